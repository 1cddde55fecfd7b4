// Signature bases and signatures: RFC 9421's examples, and what is refused before anything is
// signed.
#include "protocols/httpsig/signature_base.hpp"

#include "protocols/httpsig/sign.hpp"
#include "protocols/httpsig/test_support.hpp"
#include "runtime/base/base64.hpp"
#include "runtime/crypto/hash.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::httpsig;
using test::owned_message;

namespace {

byte_array<32> bytes32(std::string_view hex) {
  auto read = from_hex(hex).value();
  byte_array<32> out;
  REQUIRE(read.size() == out.size());
  std::copy(read.begin(), read.end(), out.begin());
  return out;
}

sf::inner_list input_of(std::string_view text) {
  auto list = sf::parse_list(text);
  REQUIRE(list);
  REQUIRE(list->size() == 1);
  return std::get<sf::inner_list>(list->front());
}

const crypto::ed25519_key own_key = crypto::ed25519_key::from_seed(byte_array<32>{7});

} // namespace

TEST_CASE("signature bases are those of RFC 9421 section 2.4 and Appendix B", "[httpsig][vector]") {
  const auto vectors = test::read_vectors("rfc9421-signatures.json");
  const auto& cases = vectors["signatures"];
  REQUIRE(cases.size() == 8);
  owned_message request;
  test::read_into(request, vectors["messages"]["test-request"]);
  const auto request_view = request.view();
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto& c = cases[i];
    CAPTURE(c["name"].as_string());
    owned_message message;
    test::read_into(message, vectors["messages"][c["message"].as_string()]);
    message.request = &request_view;
    std::string expected;
    for (std::size_t line = 0; line < c["base"].size(); ++line)
      expected += (line == 0 ? "" : "\n") + c["base"][line].as_string();
    auto base = signature_base(message.view(), input_of(c["input"].as_string()));
    REQUIRE(base);
    CHECK(*base == expected);
  }
}

TEST_CASE("RFC 9421's Ed25519 signatures of B.2.6 and B.4 are made, byte by byte",
          "[httpsig][vector]") {
  const auto vectors = test::read_vectors("rfc9421-signatures.json");
  const auto key =
      crypto::ed25519_key::from_seed(bytes32(vectors["ed25519"]["private"].as_string()));
  CHECK(to_hex(key.public_key()) == vectors["ed25519"]["public"].as_string());
  int made = 0;
  for (std::size_t i = 0; i < vectors["signatures"].size(); ++i) {
    const auto& c = vectors["signatures"][i];
    if (!c["input"].as_string().ends_with("keyid=\"test-key-ed25519\"")) continue;
    owned_message message;
    test::read_into(message, vectors["messages"][c["message"].as_string()]);
    const auto input = input_of(c["input"].as_string());
    auto covered = read_components(input);
    auto params = read_params(input);
    REQUIRE((covered && params));
    const auto label = c["label"].as_string();
    auto fields = sign(message.view(), label, *covered, *params, ed25519_signer(key));
    REQUIRE(fields);
    CHECK(fields->signature_input == label + "=" + c["input"].as_string());
    CHECK(fields->signature == label + "=:" + c["signature"].as_string() + ":");
    ++made;
  }
  CHECK(made == 2);
}

TEST_CASE("the base of B.2.5 has the HMAC that RFC 9421 gives", "[httpsig][vector]") {
  const auto vectors = test::read_vectors("rfc9421-signatures.json");
  const auto& c = vectors["signatures"][4];
  REQUIRE(c["label"].as_string() == "sig-b25");
  owned_message message;
  test::read_into(message, vectors["messages"]["test-request"]);
  const auto base = signature_base(message.view(), input_of(c["input"].as_string())).value();
  const auto secret = from_base64("uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBt"
                                  "bmHhIDi6pcl8jsasjlTMtDQ==")
                          .value();
  CHECK(to_base64(crypto::hmac_sha256(as_bytes(secret), as_bytes(base))) ==
        c["signature"].as_string());
}

TEST_CASE("a base without components is its parameters alone", "[httpsig][unit]") {
  owned_message m;
  CHECK(signature_base(
            m.view(), {},
            {.created = 1, .expires = 2, .keyid = "k", .alg = "ed25519", .nonce = "n", .tag = "t"})
            .value() == "\"@signature-params\": ();created=1;expires=2;keyid=\"k\";alg=\"ed25519\";"
                        "nonce=\"n\";tag=\"t\"");
}

TEST_CASE("a component stands once, and the parameters are none", "[httpsig][unit]") {
  owned_message m;
  m.add("x", "a=1");
  const auto code = [&](std::string_view input) {
    auto base = signature_base(m.view(), input_of(input));
    return base ? "a base" : base.error().code;
  };
  CHECK(code("(\"@method\" \"x\")") == "a base");
  CHECK(code("(\"@method\" \"@method\")") == "signature_malformed");
  CHECK(code("(\"x\" \"x\";bs)") == "a base");
  CHECK(code("(\"priority\";key=\"a\";sf \"priority\";sf;key=\"a\")") == "signature_malformed");
  CHECK(code("(\"@signature-params\")") == "signature_malformed");
  CHECK(code("(\"X\")") == "signature_malformed");
  CHECK(code("(x)") == "signature_malformed");
  CHECK(code("(\"y\")") == "field_missing");
  CHECK(code("(\"@nothing\")") == "bad_component");
}

TEST_CASE("a signature past a limit is refused", "[httpsig][unit]") {
  owned_message m;
  sf::inner_list input;
  for (std::size_t i = 0; i <= components_max; ++i) {
    m.add("x" + std::to_string(i), "v");
    if (i < components_max) input.items.push_back({"x" + std::to_string(i), {}});
  }
  CHECK(signature_base(m.view(), input));
  input.items.push_back({"x" + std::to_string(components_max), {}});
  CHECK(signature_base(m.view(), input).error().code == "signature_too_large");

  input = {};
  for (std::size_t i = 0; i <= signature_params_max; ++i)
    input.params.push_back({"p" + std::to_string(i), true});
  CHECK(read_params(input).error().code == "signature_too_large");
  input.params.pop_back();
  CHECK(read_params(input));

  owned_message big;
  std::vector<component> covered;
  for (int i = 0; i < 5; ++i) {
    covered.push_back("x" + std::to_string(i));
    big.add(covered.back().name(), std::string(60'000, 'x'));
  }
  CHECK(signature_base(big.view(), covered, {}).error().code == "signature_too_large");
  covered.pop_back();
  CHECK(signature_base(big.view(), covered, {}));
}

TEST_CASE("parameters of another type are refused, unknown ones are kept", "[httpsig][unit]") {
  for (const auto* input : {"();created=\"1\"", "();expires=1.0", "();keyid=abc", "();alg=?1",
                            "();nonce=:YQ==:", "();tag=1"}) {
    CAPTURE(input);
    CHECK(read_params(input_of(input)).error().code == "signature_malformed");
  }
  owned_message m;
  CHECK(signature_base(m.view(), input_of("();new=token;created=1;keyid=\"k\"")).value() ==
        "\"@signature-params\": ();new=token;created=1;keyid=\"k\"");
}

TEST_CASE("signing says what is wrong with what it was asked", "[httpsig][unit]") {
  owned_message m;
  const ed25519_signer signer(own_key);
  const std::vector<component> covered{"@method"};
  const auto code = [&](std::string_view label, const signature_params& params) {
    auto fields = sign(m.view(), label, covered, params, signer);
    return fields ? "signed" : fields.error().code;
  };
  CHECK(code("sig1", {.alg = "ed25519"}) == "signed");
  CHECK(code("sig1", {.alg = "rsa-v1_5-sha256"}) == "algorithm_refused");
  CHECK(code("Sig", {}) == "bad_structured_value");
  CHECK(code("", {}) == "bad_structured_value");
  CHECK(code("sig1", {.keyid = "two\nlines"}) == "bad_structured_value");
  CHECK(code("sig1", {.created = sf::integer_max + 1}) == "bad_structured_value");
  auto fields = sign(m.view(), "sig1", covered, {}, signer).value();
  m.add("Signature-Input", fields.signature_input);
  m.add("Signature", fields.signature);
  CHECK(code("sig1", {}) == "label_taken");
  CHECK(code("sig2", {}) == "signed");
}
