// Resolutions as HTTP answers: status, content type and body for what a client accepts.
#include "protocols/did/resolution.hpp"

#include "protocols/did/accept.hpp"
#include "protocols/did/did_key.hpp"
#include "protocols/did/test_support.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::dids;
using namespace kith::dids::test;

namespace {

const std::string veramo = R"(application/ld+json;profile="https://w3id.org/did-resolution")";

resolution good() { return resolved(key_document(public_of(key_number(1)))); }

json body_of(const response& r) { return json::parse(r.body).value(); }

} // namespace

TEST_CASE("what Accept names is what is sent", "[did][unit]") {
  const std::string result = "application/did-resolution";
  for (auto [accept, type] : std::vector<std::pair<std::string, std::string>>{
           {"", result},
           {"*/*", result},
           {"application/*", result},
           {result, result},
           {veramo, veramo},
           {"application/ld+json; profile=\"https://w3id.org/did-resolution\"; q=0.9", veramo},
           {"application/ld+json;profile=https://w3id.org/did-resolution", veramo},
           {"application/ld+json;profile=\"https://x.example https://w3id.org/did-resolution\"",
            veramo},
           {"application/did+ld+json", "application/did+ld+json"},
           {"application/did+json", "application/did+json"},
           {"APPLICATION/DID+JSON", "application/did+json"},
           {"application/did", "application/did"},
           {"application/json", "application/json"},
           {"application/json; charset=utf-8", "application/json"},
           {"application/ld+json", "application/ld+json"},
           {"application/json, text/plain, */*", "application/json"},
           {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", result},
           {"application/did+json;q=0.5, application/did+ld+json;q=0.8", "application/did+ld+json"},
           {"application/did+json, application/did+ld+json;q=0", "application/did+json"},
           {"*/*, application/did-resolution;q=0", "application/did+ld+json"},
           {"*/*;q=0.1, application/did+json;q=0.2", "application/did+json"},
           {"text/html, application/did+json", "application/did+json"},
           {"application/did+json;q=1.000", "application/did+json"},
           {"nonsense, application/did+json", "application/did+json"},
           {"application/did+json;q=2, application/did", "application/did"},
           {"text/html;a=\"b,application/did\", application/did+json", "application/did+json"},
           {", ,application/did+json,", "application/did+json"},
           {std::string(accept_size_max, ' ') + "text/html", result}}) {
    INFO(accept);
    auto sent = respond(good(), accept);
    CHECK(sent.status == 200);
    CHECK(sent.content_type == type);
    CHECK(body_of(sent).is_object());
  }
}

TEST_CASE("an Accept that names nothing of ours is answered 406", "[did][unit]") {
  std::string too_many = "text/html";
  for (std::size_t i = 1; i < accept_ranges_max; ++i) too_many += ",text/html";
  for (std::string accept :
       {"text/html",
        "application/did+cbor",
        "*/*;q=0",
        "application/did+json;q=0",
        "text/*",
        "application/ld+json;profile=\"https://www.w3.org/ns/activitystreams\"",
        "json",
        "/",
        "*",
        ";",
        ",",
        "application/",
        "/json",
        "application/did+json;q=",
        "application/did+json;q=x",
        "application/did+json;q=0.1234",
        "application/did+json;q=1.5",
        "\"",
        "a/b;c=\"\\",
        too_many.append(",application/did+json").c_str()}) {
    INFO(accept);
    auto sent = respond(good(), accept);
    CHECK(sent.status == 406);
    CHECK(sent.content_type == "application/did-resolution");
    auto body = body_of(sent);
    CHECK(body["didDocument"].is_null());
    CHECK(body["didResolutionMetadata"]["error"].as_string() == "representationNotSupported");
    CHECK(body["didDocumentMetadata"] == json::object());
  }
}

TEST_CASE("the bare document and the result carry the same document", "[did][unit]") {
  auto doc = key_document(public_of(key_number(1)));
  CHECK(body_of(respond(good(), "application/did+ld+json")) == doc.to_json());
  CHECK(body_of(respond(good(), "application/did")) == doc.to_json());
  CHECK(body_of(respond(good(), "application/ld+json")) == doc.to_json());
  CHECK(body_of(respond(good(), "application/did+json")) == doc.to_json(false));
  auto result = body_of(respond(good(), veramo));
  CHECK(result["didDocument"] == doc.to_json());
  CHECK(result["didResolutionMetadata"]["contentType"].as_string() == "application/did+ld+json");
  CHECK(result["didResolutionMetadata"].find("error") == nullptr);
  CHECK(result["didDocumentMetadata"] == json::object());
  CHECK(result["@context"].as_string() == "https://w3id.org/did-resolution/v1");
  CHECK(body_of(respond(good(), "application/json")).find("@context") == nullptr);
  CHECK(good().ok());
}

TEST_CASE("a foreign document is served as it came, with and without its context", "[did][unit]") {
  auto plain = json::parse(R"({"id":"did:web:a.example","further":[1.5,{"x":null}]})").value();
  auto r = resolved_foreign(document::from_json(plain).value(), plain);
  CHECK(body_of(respond(r, "application/did+json")) == plain);
  CHECK(body_of(respond(r, "*/*"))["didResolutionMetadata"]["contentType"].as_string() ==
        "application/did+json");
  auto with = plain;
  with.set("@context", json::array().push_back(context_did));
  CHECK(body_of(respond(r, "application/did+ld+json")) == with);
  auto s = resolved_foreign(document::from_json(with).value(), with);
  CHECK(body_of(respond(s, "application/did+json")) == plain);
  CHECK(body_of(respond(s, "application/did+ld+json")) == with);
}

TEST_CASE("each error has its name, its status and its problem", "[did][unit]") {
  struct row {
    resolution_error error;
    std::string name, uri;
    int status;
  };
  for (const auto& [error, name, uri, status] : std::vector<row>{
           {resolution_error::invalid_did, "invalidDid", "INVALID_DID", 400},
           {resolution_error::not_found, "notFound", "NOT_FOUND", 404},
           {resolution_error::representation_not_supported, "representationNotSupported",
            "REPRESENTATION_NOT_SUPPORTED", 406},
           {resolution_error::invalid_did_document, "invalidDidDocument", "INVALID_DID_DOCUMENT",
            500},
           {resolution_error::method_not_supported, "methodNotSupported", "METHOD_NOT_SUPPORTED",
            501},
           {resolution_error::feature_not_supported, "featureNotSupported", "FEATURE_NOT_SUPPORTED",
            501},
           {resolution_error::internal_error, "internalError", "INTERNAL_ERROR", 500}}) {
    auto r = failed("did:a:b", error, "some_code", "Why \"so\".");
    CHECK_FALSE(r.ok());
    for (std::string accept :
         {std::string("application/did+json"), std::string("text/html"), std::string(), veramo}) {
      INFO(name << " " << accept);
      auto sent = respond(r, accept);
      CHECK(sent.status == status);
      CHECK(sent.content_type == (accept == veramo ? veramo : "application/did-resolution"));
      auto body = body_of(sent);
      const auto& metadata = body["didResolutionMetadata"];
      CHECK(body["didDocument"].is_null());
      CHECK(body["didDocumentMetadata"] == json::object());
      CHECK(metadata["error"].as_string() == name);
      CHECK(metadata.find("contentType") == nullptr);
      CHECK(metadata["problemDetails"]["type"].as_string() == "https://www.w3.org/ns/did#" + uri);
      CHECK(metadata["problemDetails"]["code"].as_string() == "some_code");
      CHECK(metadata["problemDetails"]["detail"].as_string() == "Why \"so\".");
    }
  }
}

TEST_CASE("a deactivated DID is gone", "[did][unit]") {
  auto sent = respond(deactivated("did:web:a.example"), "application/did+json");
  CHECK(sent.status == 410);
  auto body = body_of(sent);
  CHECK(body["didDocument"].is_null());
  CHECK(body["didDocumentMetadata"]["deactivated"].as_bool());
  CHECK(body["didResolutionMetadata"] == json::object());
}

TEST_CASE("metadata of a document stand in the result", "[did][unit]") {
  auto r = resolved(key_document(public_of(key_number(1))), {false, 0, 2000, "3"});
  auto metadata = body_of(respond(r, ""))["didDocumentMetadata"];
  CHECK(metadata["created"].as_string() == "1970-01-01T00:00:00Z");
  CHECK(metadata["updated"].as_string() == "1970-01-01T00:00:02Z");
  CHECK(metadata["versionId"].as_string() == "3");
}

TEST_CASE("an identifier is decoded only where its own colons are encoded", "[did][unit]") {
  CHECK(identifier_from_path("did:web:localhost%3A8443") == "did:web:localhost%3A8443");
  CHECK(identifier_from_path("did%3Aweb%3Alocalhost%253A8443") == "did:web:localhost%3A8443");
  CHECK(identifier_from_path("did%3akey%3az6Mk") == "did:key:z6Mk");
  CHECK(identifier_from_path("did%3Aa%3Ab%2") == "did:a:b%2");
  CHECK(identifier_from_path("did%3Aa%3Ab%zz%") == "did:a:b%zz%");
  CHECK(identifier_from_path("") == "");
  CHECK(identifier_from_path("did%3") == "did%3");
}
