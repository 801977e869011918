#!/usr/bin/env python3
"""Prints the latest value of each cell of a cell or table, whatever its type, four times a second.

    cargo run --release --example latest      # in another terminal
    python3 examples/python/latest.py latest
"""

import argparse
import sys
import time

import ringway


def main():
    parser = argparse.ArgumentParser(description="Prints the latest values of a cell or a table.")
    parser.add_argument("name")
    parser.add_argument("--directory", help="of the channel; the user's by default")
    parser.add_argument("--times", type=int, default=0, help="then end; 0: go on until Ctrl-C")
    arguments = parser.parse_args()
    with ringway.open(arguments.name, arguments.directory) as cells:
        keys = {index: f"{key}: " for key, index in cells.entries()} if cells.is_keyed else {}
        done = 0
        while not arguments.times or done < arguments.times:
            time.sleep(0.25 if done else 0)
            done += 1
            for index in range(len(cells)):
                latest = cells.load(index)
                shown = "no value yet" if latest is None else f"value {latest.version}: {latest.value}"
                print(f"cell {index}: {keys.get(index, '')}{shown}; writer {cells.writer(index)}", flush=True)


try:
    main()
except ringway.Error as error:
    sys.exit(str(error))
except KeyboardInterrupt:
    pass
