#!/bin/bash
# What action.yml runs: begins a rollout on a daemon, waits for its end, and tells the runner. Needs
# what every runner has: bash, curl and jq. Everything comes in by the environment, so that nothing
# of it is shell.
set -euo pipefail

end_with() { # CODE MESSAGE: an error of the job, not a verdict
  local text=${2//'%'/%25}
  text=${text//$'\r'/%0D}
  echo "::error title=Belay::${text//$'\n'/%0A}"
  exit "$1"
}

command -v jq >/dev/null || end_with 2 "jq is not installed"
# Before anything is begun: a word that nobody understands would let a failed version pass.
verdict_word='[[:space:]]*(fail|unknown)[[:space:]]*'
[[ $BELAY_FAIL_ON =~ ^$verdict_word(,$verdict_word)*$ ]] ||
  end_with 2 "fail-on is \"$BELAY_FAIL_ON\": say fail, unknown, or both with a comma between"
fail_on=",${BELAY_FAIL_ON//[[:space:]]/},"
on_interrupt=${BELAY_ON_INTERRUPT:-leave}
[[ $on_interrupt == leave || $on_interrupt == rollback ]] ||
  end_with 2 "on-interrupt is \"$on_interrupt\": say leave or rollback"
service=$BELAY_SERVICE
version=$BELAY_VERSION
if [[ -n $BELAY_FROM_WRANGLER ]]; then
  [[ -z $version ]] || end_with 2 "version or from-wrangler, not both"
  [[ -r $BELAY_FROM_WRANGLER ]] || end_with 2 "$BELAY_FROM_WRANGLER cannot be read"
  last=$(jq -cRn '[inputs | fromjson? | objects
      | select(.type == "command-failed"
               or ((.type == "version-upload" or .type == "deploy") and .version_id != null))]
      | last // {}' <"$BELAY_FROM_WRANGLER")
  [[ $(jq -r .type <<<"$last") != command-failed ]] ||
    end_with 2 "wrangler failed: $(jq -r .message <<<"$last")"
  version=$(jq -r '.version_id // ""' <<<"$last")
  [[ -n $service ]] || service=$(jq -r '.worker_name // ""' <<<"$last")
fi
[[ -n $service ]] || end_with 2 "say which service"
[[ -n $version ]] || end_with 2 "say which version, or from-wrangler"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Not in argv, where every process of the machine could read it.
(umask 077 && printf 'header = "Authorization: Bearer %s"\n' "$BELAY_TOKEN" >"$scratch/token")

answer=$scratch/body
call_with() { # METHOD PATH [CURL-OPTION...]: sets what curl is called with
  options=(--silent --show-error --config "$scratch/token" --request "$1" --max-time 40
    --output "$answer" --dump-header "$scratch/headers" --write-out '%{http_code}'
    "${@:3}" "${BELAY_URL%/}$2")
}
call() { # As call_with: the body into $answer; prints the status, 000 if there is none
  call_with "$@"
  curl "${options[@]}" 2>"$scratch/curl" || true
}
# What is no answer of the daemon's is one of a proxy's before it.
problem() {
  jq -er '[.title, .detail] | map(select(. != null)) | join(": ") | select(. != "")' "$answer" \
    2>"$scratch/jq" || echo "status $status"
}
field() { jq -r "$1" "$scratch/rollout"; }

jq -n --arg service "$service" --arg candidate "$version" --arg baseline "$BELAY_BASELINE" \
  --arg lasts "$BELAY_FOR" --arg commit "${GITHUB_SHA:-}" --arg by "${GITHUB_ACTOR:-}" \
  --arg committed_at "$BELAY_COMMITTED_AT" \
  '{service: $service, candidate: $candidate, for: $lasts}
   + ({baseline: $baseline, commit: $commit, committed_at: $committed_at, by: $by}
      | with_entries(select(.value != "")))' \
  >"$scratch/request"
# The same attempt of the same step is the same rollout, however often it is asked for.
run="${GITHUB_REPOSITORY:-local} ${GITHUB_RUN_ID:-$RANDOM$RANDOM} ${GITHUB_RUN_ATTEMPT:-1}"
key=$(printf '%s' "$run ${GITHUB_JOB:-} ${GITHUB_ACTION:-} $service $version" | sha256sum | cut -c1-64)
# Before its id is known there is nothing to say about the rollout.
is_cancelled=""
trap 'is_cancelled=yes' INT TERM
for attempt in 1 2 3 4 5; do
  status=$(call POST /api/v1/rollouts --header "Idempotency-Key: $key" \
    --header 'Content-Type: application/json' --data "@$scratch/request")
  [[ $status == 000 || $status == 202 || $status == 5* ]] || break
  ((attempt == 5)) || sleep 2
done
case $status in
  200 | 201) cp "$answer" "$scratch/rollout" ;;
  000) end_with 69 "no daemon answers on $BELAY_URL: $(<"$scratch/curl")" ;;
  202 | 5*) end_with 69 "the daemon did not begin the rollout: $(problem)" ;;
  *) end_with 2 "$(problem)" ;;
esac

id=$(field .id)
report="${BELAY_URL%/}/api/v1/rollouts/$id/report"
echo "rollout $id: $service $version, judged by $BELAY_URL"
printf 'rollout-id=%s\nreport-url=%s\n' "$id" "$report" >>"$GITHUB_OUTPUT"

interrupted() {
  trap '' INT TERM
  [[ -z $poll ]] || kill "$poll" 2>"$scratch/kill" || true
  if [[ $on_interrupt != rollback ]]; then
    end_with 130 "interrupted: the daemon goes on with the rollout $id"
  fi
  jq -n --arg by "${GITHUB_ACTOR:-}" '{reason: "the job was cancelled"}
    + ({by: $by} | with_entries(select(.value != "")))' >"$scratch/request"
  # Asked for again it is the same rollback.
  answer=$scratch/rollback
  for attempt in 1 2 3; do
    status=$(call POST "/api/v1/rollouts/$id/rollback" --max-time 4 \
      --header 'Content-Type: application/json' --data "@$scratch/request")
    [[ $status == 000 || $status == 503 ]] || break
  done
  case $status in
    200 | 202) end_with 130 "interrupted: the daemon rolls back the rollout $id" ;;
    000) end_with 130 "interrupted, and no daemon answers: nobody knows whether $id is rolled back" ;;
    *) end_with 130 "interrupted, and not rolled back: $(problem)" ;;
  esac
}
poll=""
trap interrupted INT TERM
[[ -z $is_cancelled ]] || interrupted

shown=0
away=0
while :; do
  jq -r --argjson from "$shown" '(.timeline // [])[$from:][] | "\(.state): \(.what)"' \
    "$scratch/rollout" | tr -d '\000-\010\013-\037' | sed 's/^::/ ::/'
  shown=$(field '(.timeline // []) | length')
  [[ $(field '.exit_code // empty') == "" ]] || break
  etag=$(sed -n 's/^etag: *//Ip' "$scratch/headers" | tr -d '\r' | tail -1)
  # Beside us, so that a signal is answered at once.
  call_with GET "/api/v1/rollouts/$id?wait=25s" --header "If-None-Match: $etag"
  curl "${options[@]}" >"$scratch/status" 2>"$scratch/curl" &
  poll=$!
  wait "$poll" || true
  poll=""
  status=$(<"$scratch/status")
  case $status in
    200) cp "$answer" "$scratch/rollout" && away=0 ;;
    304) away=0 ;;
    # A proxy before a daemon that restarts, and a daemon that has not read its tokens yet.
    000 | 401 | 5*)
      away=$((away + 1))
      why=$(<"$scratch/curl")
      [[ $status == 000 ]] || why=$(problem)
      ((away < 60)) ||
        end_with 69 "the daemon is away; it goes on with the rollout when it is back ($why)"
      sleep 2
      ;;
    *) end_with 12 "$(problem)" ;;
  esac
done

code=$(field .exit_code)
verdict=$(field .result)
# One line each, whatever a rule is called. What was rolled back does not fire any more.
failed=$(field '[((.rules // [])[] | select(.firing) | .rule), (.failed_by // empty)] | unique
  | map(gsub("[\r\n,]"; " ")) | join(",")')
printf 'verdict=%s\nfailed-rules=%s\n' "$verdict" "$failed" >>"$GITHUB_OUTPUT"

# The daemon's own report: what came from outside is harmless in it. The runner takes a megabyte.
printf '## Belay: %s\n\n' "$verdict" >>"$GITHUB_STEP_SUMMARY"
if [[ $(call GET "/api/v1/rollouts/$id/report" --header 'Accept: text/markdown') == 200 ]]; then
  head -c 900000 "$scratch/body" | sed 's/^#/##/' >>"$GITHUB_STEP_SUMMARY"
else
  printf 'There is no report: %s\n' "$(problem | tr -d '`<[|' | tr '\n' ' ')" >>"$GITHUB_STEP_SUMMARY"
fi

jq -r '
  def data: gsub("%"; "%25") | gsub("\r"; "%0D") | gsub("\n"; "%0A");
  def property: data | gsub(":"; "%3A") | gsub(","; "%2C");
  ((if .exit_code == 11 or .exit_code == 14 then .failed_by // empty
      | {"by hand": "rolled back by hand", "train": "its train failed"}[.] // (. + " fired")
    else empty end) // "") as $rule  # After a restart of the daemon nothing else is known of it.
  | ([(.timeline // [])[] | select(.state == "rolling_back") | .what] | .[0] // $rule) as $cause
  | ((.rules // []) | map(select(.firing))) as $firing
  | if .exit_code == 0 then empty else
    ($firing[:9][] | "::error title=\(.rule | property)::"
      + "\(.sentence + ": " + ([(.evidence // [])[].text // empty] | join("; ")) | data)"),
    (.failed_by // empty | select(. as $rule | all($firing[]; .rule != $rule))
      | "::error title=\(property)::\($cause | data)"),
    "::error title=Belay::\(.result + ": " + (if $cause == "" then "" else $cause + "; since then: " end)
      + (.why // "")
      + (([(.timeline // [])[].what | select(startswith("nothing was done: "))] | last) as $undone
        | if .exit_code == 10 and $undone != null then "; " + $undone else "" end) | data)" end' \
  "$scratch/rollout"

[[ $code != 12 || $fail_on == *,unknown,* ]] || code=0
[[ $code != 1[01] || $fail_on == *,fail,* ]] || code=0
echo "verdict: $verdict"
exit "$code"
