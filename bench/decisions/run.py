#!/usr/bin/env python3
"""run.py GEN BELAY SET OUT: replays every scenario of SET with its own steps, writes the first
rollback (else the first pause) of each to OUT, and prints the score. Ends with 1 where that is
worse than what Belay promises: a healthy one rolled back, more than one regression in 18 not found,
or more than 4 % of the possible bad requests served.

Each scenario moves its traffic at the thirds of its duration. One scenario after another, so that
the CPU time that is printed is that of one core.
"""
import json
import os
import resource
import subprocess
import sys

# Of the method's study on the public set; see docs/comparison.md.
REFERENCE = "0 of 24 healthy rolled back, 35 of 36 regressions found, median 91 s, 3.6 % served"


def steps_of(scenario):
    third = scenario["dur"] / 3
    return ", ".join(f"{scenario[share]}% for {third:g}s" for share in ("s1", "s2", "s3"))


def replay(gen, belay, scenarios, scenario):
    """The decisions of one scenario, and the seconds of CPU time that belay took."""
    events = subprocess.Popen([gen, "events", scenarios, scenario["id"]], stdout=subprocess.PIPE)
    events_text = events.stdout.read()
    if events.wait() != 0:
        sys.exit(f"{scenario['id']}: the generator failed")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [belay, "replay", "--format", "generic", "--service", "shop", "--candidate", "v2",
         "--baseline", "v1", "--steps", steps_of(scenario), "--output", "jsonl", "-"],
        input=events_text, stdout=subprocess.PIPE, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"{scenario['id']}: belay replay ended with {done.returncode}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return lines, cpu, events_text.count(b"\n")


def first(lines):
    for wanted in ("rollback", "pause"):
        for line in lines:
            if line["decision"] == wanted:
                return line
    return lines[-1]


def broken_promises(score):
    """By the two last lines of score.py: group, n, false_rb, pause, hit, miss, ..., of_poss."""
    rows = {line[:18].strip(): line[18:].split() for line in score.splitlines()}
    healthy, regressions = rows.get("ALL healthy"), rows.get("ALL regressions")
    if not healthy or not regressions:
        return ["the score says nothing of healthy scenarios, or of regressions"]
    broken = []
    if int(healthy[1]) > 0:
        broken.append(f"{healthy[1]} of {healthy[0]} healthy scenarios were rolled back")
    if 18 * int(regressions[4]) > int(regressions[0]):
        broken.append(f"{regressions[4]} of {regressions[0]} regressions were not found")
    if float(regressions[8].rstrip("%")) > 4:
        broken.append(f"{regressions[8]} of the possible bad requests were served, not 4 %")
    return broken


def main(gen, belay, public, out):
    scenarios = os.path.join(public, "scenarios.jsonl")
    with open(scenarios, encoding="utf-8") as file:
        wanted = [json.loads(line) for line in file]
    with open(os.path.join(public, "labels.jsonl"), encoding="utf-8") as file:
        healthy = {label["id"] for label in map(json.loads, file) if label["expect"] == "keep"}
    cpu_total, events_total, paused = 0, 0, []
    with open(out, "w", encoding="utf-8") as file:
        for scenario in wanted:
            lines, cpu, events = replay(gen, belay, scenarios, scenario)
            cpu_total += cpu
            events_total += events
            decision = first(lines)
            file.write(json.dumps({"id": scenario["id"], **decision}) + "\n")
            if scenario["id"] in healthy and any(line["decision"] == "pause" for line in lines):
                paused.append(f"{scenario['id']} at {decision['t']:.0f} s: {decision['reason']}")
    score = os.path.join(os.path.dirname(os.path.abspath(__file__)), "score.py")
    told = subprocess.run([sys.executable, score, public, out], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    print(told, end="")
    print(f"\nreference: {REFERENCE}")
    print(f"{events_total} events in {cpu_total:.1f} s of CPU time; decisions in {out}")
    print(f"healthy scenarios that were paused: {len(paused)}")
    for line in paused:
        print(f"  {line}")
    if broken := broken_promises(told):
        sys.exit("worse than promised: " + "; ".join(broken))


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
