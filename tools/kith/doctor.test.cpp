// The doctor with installations that are made ill on purpose.
#include "tools/kith/doctor.hpp"
#include "tools/kith/test_cluster.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <fstream>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/stat.h>

using namespace kith;
using namespace kith::cli;
using test::cluster;
using test::failed;
using test::ok;
using test::temporary_directory;
namespace json = boost::json;
namespace fs = std::filesystem;

namespace {

constexpr const char* healthy = R"({"unclean":false,"dead_letters":0,"more":false})";
constexpr const char* calm_tree = R"({"name":"n1","state":"running","children":[]})";

std::string status(const std::string& more = "") {
  return ok(R"({"name":"n1","node":"did:x","state":"ready","pid":)" + std::to_string(::getpid()) +
            R"(,"version":"1.2.3","agents":0,"peers":[])" + more + "}");
}

// What was said about something: "problem: ...", or nothing.
std::string said(const test::outcome& out, const std::string& about, const std::string& node = "") {
  std::string all;
  const auto document = out.document();
  for (const auto& v : document.at("findings").as_array()) {
    const auto& f = v.as_object();
    const auto* of = f.if_contains("node");
    if (f.at("about") != json::string(about) || (of ? *of != json::string(node) : !node.empty()))
      continue;
    all += std::string(f.at("verdict").as_string()) + ": " + std::string(f.at("said").as_string());
    // Whatever is not well says what to do.
    CHECK((f.at("verdict") == "ok") != f.contains("mend"));
  }
  return all;
}

void write(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << text;
  ::chmod(path.c_str(), 0600);
}

// Serves as a node would, on a socket that only its owner can open.
void serve(cluster& c, cluster::results answers) {
  c.serve("n1", std::move(answers));
  ::chmod(c.path("nodes/n1/control.sock").c_str(), 0600);
}

} // namespace

TEST_CASE("a fresh installation is well, and no directory is none", "[kith][unit]") {
  cluster c(2);
  const auto fresh = c.kith({"doctor", "--json"});
  CHECK(fresh.code == 0);
  CHECK(fresh.document().at("ok") == true);
  CHECK(said(fresh, "directory").starts_with("ok: "));
  CHECK(said(fresh, "secret").starts_with("ok: "));
  CHECK(said(fresh, "ports").starts_with("ok: "));
  CHECK(said(fresh, "settings", "n1").starts_with("ok: "));
  CHECK(said(fresh, "keys", "n2").find("its first start makes them") != std::string::npos);
  CHECK(said(fresh, "process", "n2").find("never started") != std::string::npos);
  CHECK(c.kith({"doctor"}).out.find("settings") != std::string::npos);
  CHECK(c.kith({"doctor", "--node", "n3"}).code == 4);
  temporary_directory empty;
  const test::command_line nowhere(empty / "none");
  const auto none = nowhere({"doctor", "--json"});
  CHECK(none.code == 1);
  CHECK(said(none, "directory").starts_with("problem: There is no cluster's state"));
}

TEST_CASE("modes that are too wide are found", "[kith][unit]") {
  cluster c(1);
  ::chmod(c.path("").c_str(), 0755);
  CHECK(said(c.kith({"doctor", "--json"}), "directory").starts_with("warning: "));
  CHECK(c.kith({"doctor"}).code == 0);
  ::chmod(c.path("cluster.secret").c_str(), 0644);
  const auto secret = c.kith({"doctor", "--json"});
  CHECK(secret.code == 1);
  CHECK(said(secret, "secret").starts_with("problem: Node n1: "));
  fs::create_directory(c.path("nodes/n1/keys"));
  ::chmod(c.path("nodes/n1/keys").c_str(), 0750);
  CHECK(said(c.kith({"doctor", "--json"}), "keys", "n1").starts_with("problem: "));
  ::chmod(c.path("nodes/n1/keys").c_str(), 0700);
  write(c.path("nodes/n1/keys/node.key"), "not a key");
  CHECK(said(c.kith({"doctor", "--json"}), "keys", "n1").find("is no key file") !=
        std::string::npos);
  ::chmod(c.path("nodes/n1/keys/node.key").c_str(), 0640);
  CHECK(said(c.kith({"doctor", "--json"}), "keys", "n1").find("by others") != std::string::npos);
  write(c.path("nodes/n1/operator.token"), "x");
  ::chmod(c.path("nodes/n1/operator.token").c_str(), 0644);
  CHECK(said(c.kith({"doctor", "--json"}), "files", "n1").find("problem: ") != std::string::npos);
}

TEST_CASE("settings, secrets and ports that do not go together are found", "[kith][unit]") {
  cluster c(2);
  write(c.path("nodes/n2/own.secret"), "another secret, long enough\n");
  write(c.path("nodes/n1/kith.toml"),
        "link.listen = '127.0.0.1:4711'\ncluster.secret_file = '../../cluster.secret'\n");
  write(c.path("nodes/n2/kith.toml"),
        "link.listen = '127.0.0.1:4711'\ncluster.secret_file = 'own.secret'\n");
  const auto both = c.kith({"doctor", "--json"});
  CHECK(both.code == 1);
  CHECK(said(both, "secret") == "problem: Nodes n1 and n2 have different secrets.");
  CHECK(said(both, "ports").find("are both 127.0.0.1:4711") != std::string::npos);
  write(c.path("nodes/n2/own.secret"), "short\n");
  CHECK(said(c.kith({"doctor", "--json"}), "secret").find("less than 16") != std::string::npos);
  write(c.path("nodes/n2/kith.toml"), "link.listn = 'x'\nlog.level = 'loud'\n");
  const auto settings = said(c.kith({"doctor", "--json"}), "settings", "n2");
  CHECK(settings.find("did you mean link.listen?") != std::string::npos);
  CHECK(settings.find("log.level") != std::string::npos);
}

TEST_CASE("a port that somebody else listens on is found", "[kith][unit]") {
  cluster c(1);
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
  REQUIRE(::listen(fd, 1) == 0);
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0);
  write(c.path("nodes/n1/kith.toml"),
        "link.listen = '127.0.0.1:" + std::to_string(ntohs(at.sin_port)) +
            "'\ncluster.secret_file = '../../cluster.secret'\n");
  CHECK(
      said(c.kith({"doctor", "--json"}), "ports").find("cannot be listened on: Address already") !=
      std::string::npos);
  ::close(fd);
  CHECK(said(c.kith({"doctor", "--json"}), "ports").starts_with("ok: "));
}

TEST_CASE("who holds the store is told from who left something behind", "[kith][unit]") {
  cluster c(1);
  write(c.path("nodes/n1/store/lock"), std::to_string(::getpid()) + "\n");
  CHECK(said(c.kith({"doctor", "--json"}), "process", "n1").find("stopped in order") !=
        std::string::npos);
  write(c.path("nodes/n1/pid"), "999999999\n");
  CHECK(said(c.kith({"doctor", "--json"}), "process", "n1")
            .starts_with("warning: It did not stop in order: process 999999999"));
  const int fd = ::open(c.path("nodes/n1/store/lock").c_str(), O_RDWR);
  REQUIRE(::flock(fd, LOCK_EX | LOCK_NB) == 0);
  const auto held = c.kith({"doctor", "--json"});
  CHECK(held.code == 1);
  CHECK(said(held, "process", "n1") == "problem: Its store is held by process " +
                                           std::to_string(::getpid()) +
                                           ", but nobody serves its control socket.");
  ::close(fd);
  serve(c, {{"status", ok("[]")}});
  CHECK(said(c.kith({"doctor", "--json"}), "process", "n1").find("does not answer") !=
        std::string::npos);
}

TEST_CASE("locks and limits are read as the kernel writes them", "[kith][unit]") {
  const std::string locks = "1: FLOCK  ADVISORY  WRITE 16128 fe:00:11036560 0 EOF\n"
                            "2: POSIX  ADVISORY  WRITE 18535 fe:00:77 0 EOF\n"
                            "2: -> FLOCK  ADVISORY  WRITE 5 fe:00:11036561 0 EOF\n"
                            "3: FLOCK  ADVISORY  WRITE 9 nonsense 0 EOF\n";
  CHECK(lock_holder(locks, 0xfe00, 11036560, 0) == 16128);
  CHECK(lock_holder(locks, 0x1234, 11036560, 16128) == 16128); // another name for the device
  CHECK(lock_holder(locks, 0x1234, 11036560, 1) == 0);
  CHECK(lock_holder(locks, 0xfe00, 77, 0) == 0);
  CHECK(lock_holder(locks, 0xfe00, 11036561, 0) == 0);
  CHECK(lock_holder("", 0, 0, 0) == 0);
  CHECK(open_files_limit("Limit  Soft\nMax open files            1024    4096     files\n") ==
        1024);
  CHECK(open_files_limit("Max open files  unlimited  unlimited\n") == INT64_MAX);
  CHECK(open_files_limit("Max open files") == -1);
  CHECK(open_files_limit("") == -1);
}

TEST_CASE("what a running node says of itself is heard", "[kith][unit]") {
  cluster c(1);
  serve(c, {{"status", status()}, {"health", ok(healthy)}, {"tree", ok(calm_tree)}});
  const auto well = c.kith({"doctor", "--json"});
  CHECK(well.code == 0);
  CHECK(said(well, "process", "n1").find("is ready") != std::string::npos);
  CHECK(said(well, "peers", "n1").starts_with("ok: "));
  CHECK(said(well, "tree", "n1").starts_with("ok: "));
  CHECK(said(well, "version", "n1").empty());
  serve(c, {{"status", status(R"(,"version":"0.9","peers":[{"name":"n2","state":"backoff",
                                      "address":"1.2.3.4:5","reason":"refused"}])")},
            {"health", ok(R"({"unclean":true,"dead_letters":1000,"more":true,
                                   "log_lines_lost":3})")},
            {"tree", ok(R"({"name":"n1","children":[{"name":"agents","children":[
                                 {"name":"ada","state":"failed","reason":"threw"}]}]})")}});
  const auto ill = c.kith({"doctor", "--json"});
  CHECK(ill.code == 1);
  CHECK(said(ill, "version", "n1").find("0.9") != std::string::npos);
  CHECK(said(ill, "peers", "n1").find("no link to n2 at 1.2.3.4:5: refused") != std::string::npos);
  CHECK(said(ill, "start", "n1").starts_with("warning: Its last stop was not in order"));
  CHECK(said(ill, "dead letters", "n1").find("1000 or more") != std::string::npos);
  CHECK(said(ill, "log", "n1").starts_with("warning: 3 lines"));
  CHECK(said(ill, "tree", "n1") ==
        "problem: n1/agents/ada crashed too often and was given up: threw.");
}

TEST_CASE("a disk without the reserve and a store without its witness are found", "[kith][unit]") {
  cluster c(1);
  std::ofstream(c.path("nodes/n1/kith.toml"), std::ios::app) << "\n[store]\ndisk_reserve_mb = 0\n";
  CHECK(said(c.kith({"doctor", "--json"}), "disk", "n1").starts_with("ok: "));
  c.kith.environment["KITH_STORE_DISK_RESERVE_MB"] = "1000000";
  const auto full = c.kith({"doctor", "--json"});
  CHECK(full.code == 1);
  CHECK(said(full, "disk", "n1").starts_with("problem: "));
  c.kith.environment.clear();
  write(c.path("nodes/n1/store/db/CURRENT"), "x");
  const auto store = c.kith({"doctor", "--json"});
  CHECK(said(store, "store", "n1") == "problem: The store's witness file is gone.");
  CHECK(said(store, "keys", "n1").starts_with("problem: There is a store but no "));
  write(c.path("nodes/n1/store/witness"), "x");
  CHECK(said(c.kith({"doctor", "--json"}), "store", "n1").starts_with("ok: "));
  const auto ahead = fs::file_time_type::clock::now() + std::chrono::hours(1);
  fs::last_write_time(c.path("nodes/n1/store/witness"), ahead);
  CHECK(said(c.kith({"doctor", "--json"}), "clock").starts_with("problem: "));
}

TEST_CASE("a certificate is good, about to end, over, or with a key that others can read",
          "[kith][unit]") {
  temporary_directory dir;
  fs::copy_file("tools/kith/vectors/edge.pem", dir / "c.pem");
  fs::copy_file("tools/kith/vectors/edge.key", dir / "k.pem");
  ::chmod((dir / "k.pem").c_str(), 0600);
  patient p;
  p.dir = dir.path();
  p.state = "stopped";
  p.settings.emplace();
  REQUIRE(p.settings->apply_flags({{"edge.listen", "127.0.0.1:1"},
                                   {"edge.certificate_file", dir / "c.pem"},
                                   {"edge.key_file", dir / "k.pem"}}));
  const auto at = [&](wall_ms now) {
    findings out;
    examine_edge(p, now, out);
    REQUIRE(out.all().size() == 1);
    return out.all().front().is;
  };
  constexpr wall_ms ends = 1'827'000'000'000, day = 86'400'000; // 2027-11-24, about
  CHECK(at(ends - 60 * day) == verdict::ok);
  CHECK(at(ends - 10 * day) == verdict::warning);
  CHECK(at(ends) == verdict::problem);
  ::chmod((dir / "k.pem").c_str(), 0644);
  CHECK(at(ends - 60 * day) == verdict::problem);
}

TEST_CASE("certificates of the edge are looked at, and whether it answers", "[kith][unit]") {
  cluster c(1);
  const auto settings = [&](const std::string& more) {
    write(c.path("nodes/n1/kith.toml"), "cluster.secret_file = '../../cluster.secret'\n[edge]\n"
                                        "listen = '127.0.0.1:0'\n" +
                                            more);
  };
  settings("certificate_file = 'c.pem'\nkey_file = 'k.pem'\nca_file = 'ca.pem'\n");
  const auto missing = said(c.kith({"doctor", "--json"}), "certificate", "n1");
  CHECK(missing.find("c.pem") != std::string::npos);
  CHECK(missing.find("ca.pem") != std::string::npos);
  settings("tls = 'off'\n");
  serve(c, {{"status", status()}, {"health", ok(healthy)}, {"tree", ok(calm_tree)}});
  CHECK(said(c.kith({"doctor", "--json"}), "edge", "n1").find("runs without the edge") !=
        std::string::npos);
  serve(c, {{"status", status(R"(,"edge_url":"http://0.0.0.0:80")")}});
  CHECK(said(c.kith({"doctor", "--json"}), "edge", "n1").starts_with("warning: "));
  serve(c, {{"status", status(R"(,"edge_url":"http://127.0.0.1:1")")}});
  const auto away = c.kith({"doctor", "--json"});
  CHECK(away.code == 1);
  CHECK(said(away, "edge", "n1").starts_with("problem: http://127.0.0.1:1/livez does not answer"));
}
