#!/usr/bin/env bash
# Brings up the monitoring stack and proves it: ./DEPLOY_MONITORING_STACK.sh start
# Sees to a virtual environment and a Docker engine, then hands over to `python -m stack`.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
root=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)
python=$root/.venv/bin/python
install=yes
for argument in "$@"; do [ "$argument" != --no-install ] || install=no; done
installing=
if [ ! -f "$root/.venv/.complete" ] || [ "$root/requirements.lock" -nt "$root/.venv/.complete" ]; then
    INSTALL=$install "$root/scripts/install" runtime &
    installing=$!
fi
case " ${*:-help} " in
    *" help "* | *" --help "* | *" -h "* | *" --version "* | *" render "* | *" completion "* | *" monitor "*) ;;
    *" export "* | *" --url "* | *" --url="* | *" --kubernetes "* | *" --kubernetes="*) ;;
    *) INSTALL=$install "$root/scripts/engine" start || { code=$? && wait && exit "$code"; } ;;
esac
[ -z "$installing" ] || wait "$installing"
exec env -u PYTHONDONTWRITEBYTECODE -u PYTHONHOME PYTHONPATH="$root" "$python" -m stack "$@"
