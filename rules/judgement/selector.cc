#include "rules/judgement/selector.h"

#include <algorithm>
#include <string_view>

#include <re2/re2.h>

namespace belay::rules {

bool is_error(std::uint16_t status, std::string_view outcome) {
  if (status >= 500) return true;
  return !outcome.empty() && outcome != "ok" && !is_canceled(outcome);
}

bool is_canceled(std::string_view outcome) {
  return outcome == "canceled" || outcome == "responseStreamDisconnected";
}

const char* name_of(Invocation invocation) {
  switch (invocation) {
    case Invocation::fetch:
      return "fetch";
    case Invocation::queue:
      return "queue";
    case Invocation::cron:
      return "cron";
    case Invocation::alarm:
      return "alarm";
    case Invocation::rpc:
      return "rpc";
    case Invocation::email:
      return "email";
    case Invocation::other:
      return "other";
  }
  return "other";
}

LabelFilter::LabelFilter(const std::vector<LabelMatch>& labels) {
  for (const LabelMatch& label : labels) {
    Test test{.name = label.name, .test = label.test, .text = label.text, .expression = nullptr};
    if (label.test == LabelTest::match || label.test == LabelTest::not_match)
      test.expression = std::make_unique<re2::RE2>(label.text, re2::RE2::Quiet);
    tests_.push_back(std::move(test));
  }
}
LabelFilter::~LabelFilter() = default;
LabelFilter::LabelFilter(LabelFilter&&) noexcept = default;
LabelFilter& LabelFilter::operator=(LabelFilter&&) noexcept = default;

namespace {

std::string value_of(LabelName name, const Call& call, const NameTable& names) {
  switch (name) {
    case LabelName::route:
      return names.text(call.route);
    case LabelName::method:
      return names.text(call.method);
    case LabelName::status:
      return call.status == 0 ? std::string() : std::to_string(call.status);
    case LabelName::outcome:
      return call.outcome == kNoName ? std::string("ok") : names.text(call.outcome);
    case LabelName::type:
      return name_of(call.invocation);
  }
  return {};
}

}  // namespace

bool LabelFilter::takes(const Call& call, const NameTable& names) const {
  return std::all_of(tests_.begin(), tests_.end(), [&](const Test& test) {
    const std::string value = value_of(test.name, call, names);
    switch (test.test) {
      case LabelTest::equal:
        return value == test.text;
      case LabelTest::not_equal:
        return value != test.text;
      case LabelTest::match:
        return re2::RE2::FullMatch(value, *test.expression);
      case LabelTest::not_match:
        return !re2::RE2::FullMatch(value, *test.expression);
    }
    return false;
  });
}

bool is_counted(const Call& call, Counted counted, std::uint16_t status) {
  switch (counted) {
    case Counted::all:
    case Counted::matching:
      return true;
    case Counted::status:
      return call.status == status;
    case Counted::status_class:
      return call.status / 100 == status;
    case Counted::error:
    case Counted::failure:
      return call.is_error;
    case Counted::exceptions:
      return call.has_exception;
    case Counted::retries:
      return false;
  }
  return false;
}

}  // namespace belay::rules
