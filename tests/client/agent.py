"""An agent that reports runs until it is killed, and notes in a file what was confirmed to it.

It runs on every Python that the client supports. Usage: agent.py URL SPOOL NOTES
"""

import os
import random
import sys
import threading
import time

from telemetry.client import TelemetryClient

STATUSES = ("success", "failure", "partial", "timeout", "cancelled")


def main():
    url, spool, notes = sys.argv[1:]
    opened = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    client = TelemetryClient(url, agent_name="agent", spool_dir=spool, strict=True)

    def note(*words):
        os.write(opened, (" ".join(map(str, words)) + "\n").encode())

    def work():
        while True:
            run = client.begin_run(job_type="job")
            note("started", run.event_id)
            for count in range(random.randrange(4)):
                run.set_metrics(items_succeeded=count, output_summary="so far")
                run.log_event("checkpoint", {"step": count})
                time.sleep(random.random() / 200)
            status, items = random.choice(STATUSES), random.randrange(1000)
            if random.random() < 0.05:
                child(end, run, status, items)
            elif random.random() < 0.9:
                end(run, status, items)

    def end(run, status, items):
        run.end(status, items_succeeded=items, output_summary=status)
        note("ended", run.event_id, status, items)
        commit = f"{random.getrandbits(160):040x}"
        if random.random() < 0.2 and run.associate_commit(commit, "llm")[0]:
            note("committed", run.event_id, commit)

    def child(call, *arguments):
        if os.fork() == 0:
            try:
                call(*arguments)
            finally:
                os._exit(0)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
