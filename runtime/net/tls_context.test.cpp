// Certificates from files, self-signed ones, and their replacement while connections go on.
#include "runtime/net/tls_test_support.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/stat.h>

using namespace kith;
using namespace kith::net;
using namespace kith::net::test;

namespace {

// What a client that trusts `pem` sees of `context`: its certificate's end, or an error's context.
std::string seen(const tls_server_context& context, const std::string& pem,
                 const std::string& host = "node.example", wall_ms now = today) {
  made_up_world world;
  talker client, server;
  const auto trust = tls_client_context::make({.system_roots = false, .ca_pem = pem}).value();
  const auto port = world.network()
                        .listen("127.0.0.1:0",
                                [&](std::unique_ptr<byte_stream> s) {
                                  server.stream =
                                      tls_stream::accept(world.reactor(), context, std::move(s));
                                  server.start(world);
                                })
                        .value();
  world.network().connect(port->local_address(), std::chrono::seconds(30), [&](auto s) {
    client.stream = tls_stream::dial(world.reactor(), *trust, std::move(*s), host, now);
    client.start(world);
    client.stream->write(to_bytes(as_bytes("hello")));
  });
  world.wait([&] { return server.got.size() == 5 || client.closed > 0; });
  return client.closed > 0 ? client.context : "fine";
}

struct files_of {
  scratch_folder folder{"context"};
  tls_files files{folder.path("chain.pem"), folder.path("key.pem")};

  void put(const tls_certificate& one, int mode = 0600) {
    folder.write("chain.pem", one.certificate_pem());
    folder.write("key.pem", one.key_pem(), mode);
  }
  error load_error() const {
    auto loaded = tls_server_context::from_files(files);
    REQUIRE_FALSE(loaded);
    return loaded.error();
  }
};

bool names(const error& e, const std::string& file) {
  return e.context.find(file) != std::string::npos;
}

} // namespace

TEST_CASE("a self-signed certificate serves loopback and nothing else, for a year", "[net][unit]") {
  const auto made = tls_server_context::self_signed(today);
  for (const std::string host : {"localhost", "127.0.0.1", "::1"})
    CHECK(seen(*made, made->certificate(), host) == "fine");
  CHECK(seen(*made, made->certificate(), "node.example") != "fine");
  CHECK(seen(*made, made->certificate(), "127.0.0.2") != "fine");
  CHECK(made->expires() == today + 365 * day);
  CHECK(seen(*made, made->certificate(), "localhost", today + 364 * day) == "fine");
  CHECK(seen(*made, made->certificate(), "localhost", today + 366 * day) != "fine");
  const auto other = tls_server_context::self_signed(today);
  CHECK(other->certificate() != made->certificate());
  CHECK(seen(*made, other->certificate(), "localhost") != "fine");
}

TEST_CASE("a self-signed certificate is made anew before its end", "[net][unit]") {
  const auto made = tls_server_context::self_signed(today);
  const std::string first = made->certificate();
  CHECK(made->refresh(today + 330 * day).value() == false);
  CHECK(made->certificate() == first);
  CHECK(made->refresh(today + 336 * day).value() == true);
  CHECK(made->certificate() != first);
  CHECK(made->expires() == today + (336 + 365) * day);
}

TEST_CASE("a chain with an intermediate certificate is sent whole", "[net][unit]") {
  const authority ca;
  const tls_certificate middle = make_certificate(
      {.name = "Middle", .from = today - day, .until = today + 365 * day, .authority = true},
      &ca.root);
  const tls_certificate leaf = make_certificate(
      {.name = "leaf", .dns = {"node.example"}, .from = today - day, .until = today + 90 * day},
      &middle);
  files_of f;
  f.put(leaf);
  CHECK(seen(*tls_server_context::from_files(f.files).value(), ca.pem()) != "fine");
  f.folder.write("chain.pem", leaf.certificate_pem() + middle.certificate_pem());
  const auto whole = tls_server_context::from_files(f.files).value();
  CHECK(seen(*whole, ca.pem()) == "fine");
  CHECK(whole->expires() == today + 90 * day);
  CHECK(whole->certificate() == leaf.certificate_pem());
}

TEST_CASE("chain and key may be one file, with mode 0640", "[net][unit]") {
  const authority ca;
  const tls_certificate leaf = ca.issue({"node.example"});
  const scratch_folder folder("one");
  const std::string path = folder.write("both.pem", leaf.certificate_pem() + leaf.key_pem(), 0640);
  CHECK(seen(*tls_server_context::from_files({path, path}).value(), ca.pem()) == "fine");
}

TEST_CASE("a key that others can read is refused", "[net][unit]") {
  const authority ca;
  files_of f;
  for (const int mode : {0644, 0604, 0660, 0650, 0641, 0777, 0744}) {
    f.put(ca.issue({"node.example"}), mode);
    const error e = f.load_error();
    CHECK(e.code == "tls_key_exposed");
    CHECK(names(e, f.files.key));
  }
  for (const int mode : {0640, 0600, 0400, 0440}) {
    f.put(ca.issue({"node.example"}), mode);
    CHECK(tls_server_context::from_files(f.files));
  }
}

TEST_CASE("files that are no good are refused with their name and what is wrong", "[net][unit]") {
  const authority ca;
  const tls_certificate leaf = ca.issue({"node.example"});
  files_of f;
  const auto code = [&](const std::string& file) {
    const error e = f.load_error();
    CAPTURE(e.what());
    CHECK(names(e, file));
    return e.code;
  };
  CHECK(code(f.files.chain) == "tls_file_unreadable"); // not there
  f.folder.write("chain.pem", leaf.certificate_pem());
  CHECK(code(f.files.key) == "tls_file_unreadable");

  f.put(leaf);
  f.folder.write("chain.pem", "");
  CHECK(code(f.files.chain) == "bad_certificate");
  f.folder.write("chain.pem", leaf.key_pem());
  CHECK(code(f.files.chain) == "bad_certificate");
  std::string cut = leaf.certificate_pem();
  cut.replace(100, 4, "AAAA");
  f.folder.write("chain.pem", cut);
  CHECK(code(f.files.chain) == "bad_certificate");
  f.folder.write("chain.pem", leaf.certificate_pem() + cut);
  CHECK(code(f.files.chain) == "bad_certificate");
  std::string many;
  for (std::size_t i = 0; i <= tls_server_context::certificates_max; ++i)
    many += leaf.certificate_pem();
  f.folder.write("chain.pem", many);
  CHECK(code(f.files.chain) == "bad_certificate");
  f.folder.write("chain.pem", std::string(tls_server_context::file_size_max + 1, '\n'));
  CHECK(code(f.files.chain) == "tls_file_too_large");

  f.put(leaf);
  f.folder.write("key.pem", leaf.certificate_pem());
  CHECK(code(f.files.key) == "bad_key");
  f.folder.write("key.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIH\n");
  CHECK(code(f.files.key) == "bad_key");
  f.folder.write("key.pem", ca.issue({"node.example"}).key_pem());
  CHECK(code(f.files.key) == "tls_key_mismatch");

  std::filesystem::remove(f.files.key);
  std::filesystem::create_directory(f.files.key);
  CHECK(code(f.files.key) == "tls_file_unreadable");
  std::filesystem::remove(f.files.key);
  REQUIRE(::mkfifo(f.files.key.c_str(), 0600) == 0); // must not hold us up
  CHECK(code(f.files.key) == "tls_file_unreadable");
}

TEST_CASE("an RSA key of 1024 bits is refused and one of 2048 is served", "[net][unit]") {
  const authority ca;
  for (const unsigned bits : {1024u, 2048u}) {
    tls_certificate leaf = ca.issue({"node.example"});
    leaf.key.reset(EVP_RSA_gen(bits));
    X509_set_pubkey(leaf.certificate.get(), leaf.key.get());
    REQUIRE(X509_sign(leaf.certificate.get(), ca.root.key.get(), EVP_sha256()) > 0);
    files_of f;
    f.put(leaf);
    const auto loaded = tls_server_context::from_files(f.files);
    REQUIRE(loaded.has_value() == (bits == 2048));
    if (loaded)
      CHECK(seen(**loaded, ca.pem()) == "fine");
    else
      CHECK(loaded.error().code == "bad_certificate");
  }
}

TEST_CASE("changed files are taken for new connections, and old ones go on", "[net][unit]") {
  const authority before("Before"), after("After");
  files_of f;
  f.put(before.issue({"node.example"}));
  const auto context = tls_server_context::from_files(f.files).value();
  CHECK(context->refresh(today).value() == false);
  CHECK(seen(*context, before.pem()) == "fine");
  f.put(after.issue({"node.example"}));
  CHECK(seen(*context, before.pem()) == "fine"); // not before it is told to look
  CHECK(context->refresh(today).value() == true);
  CHECK(context->refresh(today).value() == false);
  CHECK(seen(*context, after.pem()) == "fine");
  CHECK(seen(*context, before.pem()) != "fine");
}

TEST_CASE("bad new files keep the old certificate, and are complained about once", "[net][unit]") {
  const authority ca;
  const tls_certificate first = ca.issue({"node.example"}), second = ca.issue({"node.example"});
  files_of f;
  f.put(first);
  const auto context = tls_server_context::from_files(f.files).value();
  const auto refused_once = [&](const std::string& code) {
    const auto outcome = context->refresh(today);
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == code);
    CHECK(context->refresh(today).value() == false);
    CHECK(context->certificate() == first.certificate_pem());
    CHECK(seen(*context, ca.pem()) == "fine");
  };
  f.folder.write("chain.pem", "nonsense");
  refused_once("bad_certificate");
  f.folder.write("chain.pem", second.certificate_pem()); // the key comes later
  refused_once("tls_key_mismatch");
  f.folder.write("key.pem", second.key_pem(), 0644);
  refused_once("tls_key_exposed");
  std::filesystem::remove(f.files.key);
  refused_once("tls_file_unreadable");
  f.folder.write("key.pem", second.key_pem());
  CHECK(context->refresh(today).value() == true);
  CHECK(context->certificate() == second.certificate_pem());
  CHECK(seen(*context, ca.pem()) == "fine");
}

TEST_CASE("a file that is written anew in place is noticed", "[net][unit]") {
  const authority ca;
  files_of f;
  const tls_certificate first = ca.issue({"node.example"}), second = ca.issue({"node.example"});
  f.put(first);
  const auto context = tls_server_context::from_files(f.files).value();
  std::ofstream(f.files.chain, std::ios::trunc) << second.certificate_pem();
  std::ofstream(f.files.key, std::ios::trunc) << second.key_pem();
  // Whatever the granularity of the file system's time.
  const timespec later[2] = {{today / 1000, 0}, {today / 1000, 0}};
  REQUIRE(::utimensat(AT_FDCWD, f.files.chain.c_str(), later, 0) == 0);
  CHECK(context->refresh(today).value() == true);
  CHECK(context->certificate() == second.certificate_pem());
}

TEST_CASE("a client's roots come from files and say which file is no good", "[net][unit]") {
  const authority one("One"), two("Two");
  const scratch_folder folder("roots");
  const std::string both = folder.write("both.pem", one.pem() + two.pem(), 0644);
  CHECK(tls_client_context::make({.ca_files = {both}}));
  const std::string bad = folder.write("bad.pem", "no certificate", 0644);
  const auto refused = tls_client_context::make({.ca_files = {both, bad}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "bad_certificate");
  CHECK(names(refused.error(), bad));
  const auto missing = tls_client_context::make({.ca_files = {folder.path("none.pem")}});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == "tls_file_unreadable");
}
