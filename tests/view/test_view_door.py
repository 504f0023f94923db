"""The viewer's door: traversal, foreign hosts and sites, scripts in names, large, slow and many requests."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from viewed_world import GRID, HOSTILE, viewing, write_maps

from stsun.errors import ConfigurationError
from stsun.view import app as viewer_app
from stsun.view.server import ImpatientProtocol, listen

PURPOSE = {"x-stsun": "page"}


@pytest.fixture(scope="module")
def served(world, tmp_path_factory):
    """Address of a real server, with short patience."""
    before, ImpatientProtocol.patience_s = ImpatientProtocol.patience_s, 0.6
    with viewing([world / "town"], tmp_path_factory.mktemp("served"), patience_s=0.6) as (address, _, _):
        yield address
    ImpatientProtocol.patience_s = before


def connect(address):
    host, port = address.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def head(address, path="/", method="GET", **headers):
    host = address.removeprefix("http://")
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
    return "\r\n".join(lines).encode()


def seconds_until_closed(connection):
    started = time.monotonic()
    while connection.recv(65_536):
        pass
    return time.monotonic() - started


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "",
                                  "user@127.0.0.1", "127.0.0.1:1", "[::ffff:10.0.0.1]", "localhost:99999"])  # fmt: skip
def test_a_name_that_someone_made_point_here_is_not_answered(served, host):
    answer = httpx.get(served + "/api/places", headers={"host": host})
    assert answer.status_code in (400, 421) and "places" not in answer.text


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_the_names_of_this_machine_are_answered(served, name):
    port = served.rpartition(":")[2]
    assert httpx.get(served + "/api/places", headers={"host": f"{name}:{port}"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"}, {"origin": "null"}, {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
    ],
)  # fmt: skip
def test_other_sites_get_nothing_and_start_nothing(served, headers):
    request = {"layer": "x", "dates": [0], "task": "segmentation"}
    assert httpx.get(served + "/api/places", headers=headers).status_code == 403
    assert httpx.post(served + "/api/jobs", json=request, headers={**PURPOSE, **headers}).status_code == 403
    assert httpx.delete(served + "/api/jobs/1", headers={**PURPOSE, **headers}).status_code == 403


def test_a_link_from_another_site_may_open_the_page_itself(served):
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert httpx.get(served + "/", headers=headers).status_code == 200


def test_nothing_is_started_without_the_header_that_a_form_cannot_send(served):
    for content in ("text/plain", "application/json", "application/x-www-form-urlencoded"):
        answer = httpx.post(served + "/api/jobs", content="{}", headers={"content-type": content})
        assert answer.status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd", "/static/%2fetc/passwd",
        "/..%2f..%2f..%2fetc/passwd", "/api/places/..%2f..", "/api/polygons/%2fetc%2fpasswd", "/tiles/../0/0/0/0.png",
        "/tiles/%2fetc%2fpasswd/0/0/0/0.png", "/static/vendor/../../server.py", "/docs", "/openapi.json", "/redoc",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_what_was_given(served, path):
    with connect(served) as connection:  # as it is: a client library would tidy the path
        connection.sendall(head(served, path, connection="close"))
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.split()[1] in (b"404", b"422"), answer[:200]
    assert b"root:" not in answer and b"import" not in answer


def test_no_address_is_ever_fetched_for_a_client(served, monkeypatch):
    """There is no parameter that could name one: unknown ones change nothing, and identifiers are no addresses."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.3)
    target = f"http://127.0.0.1:{listener.getsockname()[1]}/x.tif"
    place = httpx.get(served + "/api/places").json()["places"][0]["id"]
    for path in (f"/api/places/{place}", f"/tiles/{place}.0/0/1/0/0.png", f"/api/pixel/{place}"):
        for name in ("url", "href", "path", "look", "file"):
            parameters = {name: target, "longitude": 15, "latitude": 52}
            assert httpx.get(served + path, params=parameters).status_code in (200, 422)
    assert httpx.get(f"{served}/api/places/{target.replace('/', '%2f')}").status_code in (404, 422)
    with pytest.raises(TimeoutError):
        listener.accept()
    listener.close()


def test_every_answer_forbids_foreign_and_inline_scripts(served):
    for path in ("/", "/static/main.js", "/api/places", "/nowhere"):
        headers = httpx.get(served + path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self';" in policy and "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers
    page = httpx.get(served + "/").text
    assert "<script>" not in page and " onclick" not in page and "style=" not in page and "http" not in page


def test_names_from_files_stay_texts_on_their_way(view, tmp_path):
    write_maps(tmp_path, GRID, ((HOSTILE, "#ff0000"), ("</script>", "red;background:url(//evil)"), ("c", "#0000ff")))
    viewer = view(tmp_path)
    answer = viewer.client.get(f"/api/places/{viewer.place()['id']}")
    assert answer.headers["content-type"] == "application/json"
    legend = viewer.layer("categories", "map")["legend"]
    assert legend[0]["name"] == HOSTILE and all(len(entry["color"]) == 7 for entry in legend)


@pytest.mark.parametrize("chunked", [False, True])
def test_requests_that_are_too_large_are_refused(served, chunked):
    content = (b"x" * 1000 for _ in range(200)) if chunked else b"x" * 200_000
    headers = {**PURPOSE, "content-type": "application/json"}
    try:
        assert httpx.post(served + "/api/jobs", content=content, headers=headers).status_code == 413
    except (httpx.WriteError, httpx.ReadError):
        pass  # hung up on in the middle
    with connect(served) as connection:
        connection.sendall(b"GET /" + b"a" * 100_000)
        assert connection.recv(100).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("query", ["hide=" + "1," * 1500, "look=" + "x" * 50, "hide=1;2", "each=perhaps"])
def test_odd_parameters_are_refused(served, query):
    place = httpx.get(served + "/api/places").json()["places"][0]["id"]
    assert httpx.get(f"{served}/tiles/{place}.0/0/1/0/0.png?{query}").status_code == 422


@pytest.mark.parametrize("tile", ["-1/0/0", "1/99999999999999999999/0", "1/1e9/0", "nan/0/0"])
def test_tiles_that_are_none_are_refused_and_a_tile_has_one_size(served, tile):
    place = httpx.get(served + "/api/places").json()["places"][0]["id"]
    assert httpx.get(f"{served}/tiles/{place}.0/0/{tile}.png").status_code == 422
    large = httpx.get(f"{served}/tiles/{place}.0/0/15/17750/10779.png?size=100000&width=100000")
    assert large.status_code == 200 and len(large.content) < 300_000


def test_who_sends_the_head_of_a_request_slowly_is_hung_up_on(served):
    with connect(served) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost:")
        assert 0.3 < seconds_until_closed(connection) < 4
    with connect(served) as silent:
        assert 0.3 < seconds_until_closed(silent) < 4
    with connect(served) as second:  # the next request of a connection that was good
        second.sendall(head(served, "/api/places"))
        assert second.recv(65_536).startswith(b"HTTP/1.1 200")
        second.sendall(b"GET / HT")
        assert seconds_until_closed(second) < 4


def test_who_sends_the_body_of_a_request_slowly_is_refused(served):
    with connect(served) as connection:
        extra = {"Content-Length": 100, "Content-Type": "application/json", **PURPOSE}
        connection.sendall(head(served, "/api/jobs", "POST", **extra) + b"{")
        assert b" 408 " in connection.recv(65_536).split(b"\r\n")[0]


def test_who_does_not_take_up_an_answer_is_hung_up_on(served):
    with connect(served) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        large = head(served, "/static/vendor/maplibre-gl/maplibre-gl.mjs")
        connection.sendall(large * 8)
        time.sleep(3)
        assert len(httpx.get(served + "/api/places").content) > 10  # others are served meanwhile
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            for _ in range(200):
                connection.sendall(large)
                time.sleep(0.01)


def test_more_requests_than_can_wait_are_told_to_come_again(served, monkeypatch):
    monkeypatch.setattr(viewer_app, "MOST_WAITING", 4)
    place = httpx.get(served + "/api/places").json()["places"][0]["id"]

    def ask(number):
        return httpx.get(f"{served}/tiles/{place}.0/0/15/17750/10779.png?look=band-{number % 4}").status_code

    with ThreadPoolExecutor(32) as many:
        answers = list(many.map(ask, range(96)))
    assert set(answers) == {200, 503} and answers.count(200) >= 4
    assert httpx.get(served + "/api/places").status_code == 200


def test_two_hundred_clients_are_served_at_once(served):
    place = httpx.get(served + "/api/places").json()["places"][0]["id"]
    connections = [connect(served) for _ in range(200)]
    for connection in connections:
        connection.sendall(head(served, f"/tiles/{place}.0/0/15/17750/10779.png", connection="close"))
    answers = [connection.recv(65_536)[:15] for connection in connections]
    assert answers == [b"HTTP/1.1 200 OK"] * 200
    for connection in connections:
        connection.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_other_machines_are_let_in_only_on_purpose(host):
    with pytest.raises(ConfigurationError, match="--allow-remote"):
        listen(host, 0, remote=False)


def test_a_port_that_is_taken_is_told():
    with listen("127.0.0.1", 0, remote=False) as taken, pytest.raises(ConfigurationError, match="--port"):
        listen("127.0.0.1", taken.getsockname()[1], remote=False)


def test_names_are_refused_where_other_machines_are_let_in(world, tmp_path):
    with viewing([world / "pictures"], tmp_path, remote=True) as (address, _, _):
        port = address.rpartition(":")[2]
        for host, status in (
            ("192.0.2.1", 200),
            ("[2001:db8::1]", 200),
            ("evil.example", 421),
            ("192.0.2.1.evil.example", 421),
        ):
            assert httpx.get(f"{address}/api/places", headers={"host": f"{host}:{port}"}).status_code == status
