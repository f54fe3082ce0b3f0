#!/usr/bin/env bash
# Which lines and branches of each layer the tests run, by gcov. The build is build/coverage.
set -euo pipefail
cd "$(dirname "$0")/.."

build=build/coverage
cmake --preset coverage > /dev/null
cmake --build --preset coverage > $build/log || {
  cat $build/log
  exit 1
}
find $build -name '*.gcda' -delete
ctest --preset coverage --parallel "$(nproc)" > $build/log || {
  cat $build/log
  exit 1
}

# gcov says for each file: File 'src/...', Lines executed:97.50% of 80, Branches executed ..., Taken at least once:...
find "$PWD/$build/src" -name '*.gcda' -print0 |
  (cd $build && xargs -0 gcov --no-output --branch-probabilities --relative-only --source-prefix "$OLDPWD") |
  awk -F "[':% ]+" '
    /^$/ { layer = "" } # the sum of all files has no name
    /^File/ { layer = $2; sub(/^(src|.*layers\/[^\/]*)\//, "", layer); sub(/\/[^\/]*$/, "", layer) }
    /^Lines executed/ && layer != "" { lines[layer] += $5; run[layer] += $3 * $5 / 100 }
    /^Taken at least once/ && layer != "" { branches[layer] += $7; taken[layer] += $5 * $7 / 100 }
    END {
      for (l in lines)
        if (l !~ /^include/)
          printf "%-16s lines %5.1f %%   branches %5.1f %%\n", l, 100 * run[l] / lines[l],
                 branches[l] ? 100 * taken[l] / branches[l] : 100
    }' | sort
