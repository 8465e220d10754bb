#!/bin/bash
# Installs everything that building, testing and measuring Belay needs. This is the only list of
# Debian packages in the project; bookworm is the floor. Does nothing when all of them are there.
set -euo pipefail

packages=(
  # toolchain
  build-essential cmake ninja-build pkg-config ccache mold git
  clang-format
  # libraries; Boost's Asio and Beast are headers only
  libboost-dev libcli11-dev libcurl4-openssl-dev libfmt-dev libhiredis-dev
  libre2-dev libsimdjson-dev libspdlog-dev libsqlite3-dev libssl-dev libyaml-cpp-dev
  nlohmann-json3-dev prometheus-cpp-dev zlib1g-dev
  # tests and measurements: libraries, and the real programs Belay is tested against
  libbenchmark-dev libcpp-httplib-dev libgmock-dev libgtest-dev
  faketime jq mtail prometheus redis-server strace
)

# Bookworm's default clang, 14, has no std::source_location with libstdc++; later releases' has.
if [[ "$(. /etc/os-release && echo "${VERSION_CODENAME:-}")" == bookworm ]]; then
  packages+=(clang-16 clang-tidy-16 libclang-rt-16-dev)
else
  packages+=(clang clang-tidy)
fi

# A node that came from elsewhere serves as well, and Debian's would shadow it.
command -v node >/dev/null || packages+=(nodejs)
command -v npm >/dev/null || packages+=(npm)

is_installed() {
  [[ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

missing=()
for package in "${packages[@]}"; do
  is_installed "$package" || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
  exit 0
fi

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "install-packages: run this as root; missing: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

# The tests start their own redis-server and prometheus on a free port; the packages' services
# must not start now. A policy of the machine's own stays as it is.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
fi

apt_get() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get --option DPkg::Lock::Timeout=300 --option Acquire::Retries=3 \
    --quiet --assume-yes --no-install-recommends "$@"
}

echo "install-packages: installing ${missing[*]}"
apt_get update
apt_get install "${missing[@]}"
