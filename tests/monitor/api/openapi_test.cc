// Goal: the document and the routes are the same, and the document keeps the rules that a linter
// of OpenAPI would ask for. Method: both are walked.

#include <set>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "monitor/api/routes.h"
#include "monitor/journal_text.h"
#include "tests/monitor/api/api_fixture.h"
#include "tests/support/child_process.h"
#include "tests/support/paths.h"

namespace belay::test {
namespace {

using nlohmann::json;

json document() { return json::parse(monitor::openapi_document()); }

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

/// Every `$ref` of the document.
void collect_references(const json& value, std::set<std::string>& references) {
  if (value.is_object() && value.contains("$ref")) references.insert(value.at("$ref"));
  if (value.is_structured()) {
    for (const auto& [name, child] : value.items()) collect_references(child, references);
  }
}

json resolved(const json& whole, const json& value) {
  if (!value.contains("$ref")) return value;
  return whole.at(json::json_pointer(value.at("$ref").get<std::string>().substr(1)));
}

TEST(OpenapiTest, EveryRouteIsInTheDocumentAndTheReverse) {
  std::set<std::pair<std::string, std::string>> served;
  for (const monitor::Route& route : monitor::routes()) {
    EXPECT_TRUE(served.emplace(route.method, route.path).second) << route.path << " twice";
  }
  std::set<std::pair<std::string, std::string>> written;
  const json whole = document();
  for (const auto& [path, methods] : whole.at("paths").items()) {
    for (const auto& [method, operation] : methods.items()) written.emplace(upper(method), path);
  }
  EXPECT_EQ(served, written);
}

TEST(OpenapiTest, ParametersAndSecurityAreThoseOfTheRoutes) {
  const json whole = document();
  for (const monitor::Route& route : monitor::routes()) {
    std::string method{route.method};
    for (char& c : method) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const json& operation = whole.at("paths").at(std::string(route.path)).at(method);
    std::set<std::string> query;
    std::set<std::string> path;
    for (const json& one : operation.value("parameters", json::array())) {
      const json parameter = resolved(whole, one);
      if (parameter.at("in") == "query") query.insert(parameter.at("name"));
      if (parameter.at("in") == "path")
        path.insert("{" + parameter.at("name").get<std::string>() + "}");
    }
    EXPECT_EQ(query, std::set<std::string>(route.query.begin(), route.query.end())) << route.path;
    for (const std::string& name : path) {
      EXPECT_NE(route.path.find(name), std::string_view::npos) << route.path << " " << name;
    }
    EXPECT_EQ(path.empty(), route.path.find('{') == std::string_view::npos) << route.path;
    const bool anyone = operation.at("security").front() == json::object();
    EXPECT_EQ(anyone, route.needs == monitor::Scope::read) << route.path;
  }
}

TEST(OpenapiTest, OperationsHaveWhatALinterAsksFor) {
  const json whole = document();
  EXPECT_EQ(whole.at("openapi"), "3.1.0");
  std::set<std::string> tags;
  for (const json& tag : whole.at("tags")) tags.insert(tag.at("name"));
  std::set<std::string> ids;
  for (const auto& [path, methods] : whole.at("paths").items()) {
    for (const auto& [method, operation] : methods.items()) {
      EXPECT_FALSE(operation.at("summary").get<std::string>().empty()) << path;
      EXPECT_TRUE(ids.insert(operation.at("operationId")).second) << path;
      EXPECT_TRUE(tags.contains(operation.at("tags").at(0))) << path;
      bool succeeds = false;
      bool refuses = false;
      for (const auto& [code, response] : operation.at("responses").items()) {
        EXPECT_TRUE(resolved(whole, response).contains("description")) << path << " " << code;
        succeeds |= code.starts_with('2');
        refuses |= code.starts_with('4');
      }
      EXPECT_TRUE(succeeds && refuses) << path;
    }
  }
}

TEST(OpenapiTest, EveryReferenceLeadsSomewhereAndNothingIsLeftOver) {
  const json whole = document();
  std::set<std::string> references;
  collect_references(whole, references);
  for (const std::string& reference : references) {
    ASSERT_TRUE(reference.starts_with("#/")) << reference;
    EXPECT_TRUE(whole.contains(json::json_pointer(reference.substr(1)))) << reference;
  }
  for (const char* kind : {"schemas", "responses", "parameters", "headers"}) {
    for (const auto& [name, value] : whole.at("components").at(kind).items()) {
      EXPECT_TRUE(references.contains("#/components/" + std::string(kind) + "/" + name))
          << kind << " " << name << " is used nowhere";
    }
  }
}

TEST(OpenapiTest, EveryKindOfEntryThatAHistoryHasIsInTheDocument) {
  using Kind = rules::JournalEntry::Kind;
  const json kinds = document().at("components").at("schemas").at("Entry").at("properties");
  const auto known = kinds.at("kind").at("enum").get<std::set<std::string>>();
  // What a rule and a verdict rest on stands in the report.
  const std::set<Kind> left_out = {Kind::fired, Kind::cleared, Kind::judged, Kind::evidence_lost};
  for (int i = 0; i <= static_cast<int>(Kind::evidence_lost); ++i) {
    const auto kind = static_cast<Kind>(i);
    EXPECT_EQ(known.contains(std::string(monitor::name_of(kind))), !left_out.contains(kind))
        << monitor::name_of(kind);
  }
}

TEST(ProblemTest, EveryTypeIsInTheDocumentOfTheApiWithItsStatus) {
  const std::string text = content_of(source_dir() / "docs/api.md");
  std::set<std::string_view> names;
  for (int kind = 0; kind <= static_cast<int>(monitor::Problem::Kind::internal); ++kind) {
    const auto facts = monitor::facts_of(static_cast<monitor::Problem::Kind>(kind));
    EXPECT_TRUE(names.insert(facts.name).second) << facts.name;
    const std::string line = "`urn:belay:problem:" + std::string(facts.name) + "` | " +
                             std::to_string(facts.status) + " |";
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
}

using OpenapiServedTest = ApiTest;

TEST_F(OpenapiServedTest, WhatIsServedIsTheDocument) {
  const net::Outgoing answer = get("/openapi.json");
  EXPECT_EQ(answer.content_type, "application/json");
  EXPECT_EQ(answer.body, monitor::openapi_document());
}

}  // namespace
}  // namespace belay::test
