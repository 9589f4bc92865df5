import time


def test_try(engine, tmp_path):
    t = time.time()
    (tmp_path / "Dockerfile").write_text(
        "FROM debian:bookworm-slim\nRUN cat /etc/pip.conf; ls /opt\n"
    )
    engine.build(tmp_path, "try")
    print(engine._command, time.time() - t)
    print(engine.podman("images").stdout)
    (tmp_path / "docker-compose.yml").write_text("""
services:
  a: {image: localhost/try, command: "sleep 100", ports: ["127.0.0.1:5544:5000"]}
  b: {image: localhost/try, hostname: grumpy, command: "sh -c 'hostname; getent hosts a; cat /etc/resolv.conf'"}
""")
    t = time.time()
    d = engine.compose(tmp_path, "up", "-d")
    print(d.stdout, d.stderr, time.time() - t)
    time.sleep(1)
    d = engine.compose(tmp_path, "logs")
    print(d.stdout, d.stderr)
    d = engine.compose(tmp_path, "down", "-t", "1")
    print(d.stdout, d.stderr)
    print(time.time() - t)
    assert 0
