"""A client of the service behind a transaction pooler."""

from app import create_app
from telemetry.config import Config
from tests.support.audio_runtime import event
from tests.support.rights import serving
from tests.support.runs import minimal_run


class PooledClient:
    """A client behind a transaction pooler, whose connection outlives the end of the server's.

    The commands end no connection of Citus.
    """

    def __init__(self, url: str) -> None:
        url = f"{serving(url)}&application_name=citus_pooled"
        self._app = create_app(Config(database_url=url, db_prepared_statements=False))
        self._client = self._app.test_client()

    def put_device_and_change_run(self, name: str) -> None:
        device = self._client.put(f"/api/v1/devices/{name}", json={"tenant_id": "tenant-1"})
        assert device.status_code == 201
        # Needs the head of the device.
        path, appended = "/api/v1/audio-runtime/events", event(device_id=name)
        assert self._client.post(path, json=appended).status_code == 201
        assert self._client.post("/api/v1/runs", json=minimal_run(name)).status_code == 201
        change = {"status": "success"}
        assert self._client.patch(f"/api/v1/runs/{name}", json=change).status_code == 200

    def close(self) -> None:
        for database in self._app.extensions["databases"]:
            database.close()
