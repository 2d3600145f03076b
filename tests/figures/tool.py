# SPDX-License-Identifier: GPL-2.0-or-later
"""What scripts/experiment does without a machine: list, check, compare."""
import sys

sys.dont_write_bytecode = True
import declare
import programs
import significance


def show_list(_):
    print("idle-timeout     thesis 6.14          not declared, but tests/figures/sessions.py")
    for name in declare.names():
        about = declare.named(name).about
        print(f"{name:16} {about['figure']:20} about {about['minutes']:g} min  {about['title']}")


def check(files):
    """All mistakes of all files, the first of each."""
    parameters, bad = programs.parameters(), 0
    for name in files or declare.names():
        try:
            experiment = declare.named(name, parameters)
            print(f"ok  {experiment.name}: {len(experiment.points)} points, "
                  f"{experiment.about['repetitions']} repetitions "
                  f"(compare takes {significance.enough(len(experiment.points))}), "
                  f"measures {', '.join(experiment.measures)}")
        except declare.Mistake as mistake:
            bad += 1
            print(mistake, file=sys.stderr)
    if parameters is None:
        print("the programs' parameters were not checked: make userspace programs")
    sys.exit(1 if bad else 0)


def compare(arguments):
    import compare as comparison
    comparison.main(arguments)


if __name__ == "__main__":
    {"list": show_list, "check": check, "compare": compare}[sys.argv[1]](sys.argv[2:])
