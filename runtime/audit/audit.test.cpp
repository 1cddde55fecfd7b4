// The audit log: what it holds, what a crash leaves of it, and what the check finds.
#include "runtime/audit/audit_check.hpp"
#include "runtime/audit/audit_log.hpp"
#include "runtime/base/random.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <future>
#include <sys/stat.h>
#include <unistd.h>

using namespace kith;
using namespace kith::audit;
namespace fs = std::filesystem;

namespace {

struct fixture {
  fixture() {
    auto pattern = (fs::temp_directory_path() / "kith_audit_XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    dir = pattern;
  }
  ~fixture() {
    std::error_code ignored; // the system's temporary directory is cleaned anyway
    fs::remove_all(dir, ignored);
  }
  std::unique_ptr<audit_log> open(log_options o = {}) {
    auto opened = audit_log::open(dir, time, o);
    if (!opened) FAIL(opened.error().what());
    return std::move(*opened);
  }
  static result<void> append(audit_log& log, std::string name, std::string subject = "x") {
    std::promise<result<void>> done;
    log.append({std::move(name), std::move(subject), "ok", "uid=1000,pid=7"},
               [&](result<void> r) { done.set_value(std::move(r)); });
    return done.get_future().get();
  }
  void write(int count) {
    auto log = open();
    for (int i = 0; i < count; ++i) REQUIRE(append(*log, "act " + std::to_string(i)));
  }
  std::vector<std::string> lines() const {
    std::ifstream in(current_file(dir));
    std::vector<std::string> out;
    for (std::string l; std::getline(in, l);) out.push_back(l);
    return out;
  }
  void put(const std::vector<std::string>& all, const std::string& rest = {}) const {
    std::ofstream out(current_file(dir), std::ios::trunc);
    for (const auto& l : all) out << l << '\n';
    out << rest;
  }
  report check(std::optional<chain_head> keep = std::nullopt) const {
    return verify(dir, std::move(keep)).value();
  }
  std::vector<std::string> found(std::optional<chain_head> keep = std::nullopt) const {
    std::vector<std::string> out;
    for (const auto& f : check(std::move(keep)).findings)
      out.push_back(std::to_string(f.line) + ": " + f.what);
    return out;
  }
  fs::path dir;
  manual_clock time{1'700'000'000'000};
};

} // namespace

TEST_CASE("a line is written in one way, and no other is read", "[audit][unit]") {
  line l{7, 1'700'000'000'000, {"spawn", "type=c", "ok", "uid=1000,pid=7"}, {}};
  const auto text = text_of(l);
  CHECK(text == R"({"seq":7,"at_ms":1700000000000,"act":"spawn","subject":"type=c","outcome":"ok",)"
                R"("who":"uid=1000,pid=7","previous":")" +
                    std::string(64, '0') + "\"}");
  const auto back = parse_line(text).value();
  CHECK(back.seq == 7);
  CHECK(back.what.subject == "type=c");
  for (std::size_t cut = 0; cut < text.size(); ++cut)
    CHECK(parse_line(text.substr(0, cut)).error().code == "bad_audit_line");
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto changed = text;
    changed[i] = char(changed[i] ^ 0x20);
    // Letters of a text may change; then the digest does.
    if (auto l2 = parse_line(changed)) CHECK(digest_of(changed) != digest_of(text));
  }
  CHECK_FALSE(parse_line(text + " "));
  CHECK_FALSE(parse_line(std::string(line_size_max + 1, 'x')));
  auto zero = text;
  zero.replace(zero.find(":7"), 2, ":07");
  CHECK_FALSE(parse_line(zero));
}

TEST_CASE("no value can end a line, leave its quotes or be no UTF-8", "[audit][unit]") {
  seeded_random random(5);
  for (int i = 0; i < 2000; ++i) {
    bytes noise(random.below(700));
    random.fill(noise);
    const std::string text(as_text(noise));
    const auto written = text_of({1, 0, {text, text, text, text}, {}});
    CHECK(written.find('\n') == written.npos);
    CHECK(written.size() <= line_size_max);
    const auto read = parse_line(written);
    REQUIRE(read);
    CHECK(read->what.name.size() <= value_size_max);
  }
  const auto kept = parse_line(text_of({1, 0, {"\xc3\xa4\"\\\n", "", "", ""}, {}})).value();
  CHECK(kept.what.name == "\xc3\xa4???");
}

TEST_CASE("lines follow one another, over restarts too, and nobody else may read them",
          "[audit][unit]") {
  fixture f;
  f.write(3);
  f.write(2);
  const auto r = f.check();
  CHECK(r.findings.empty());
  CHECK(r.lines == 5);
  CHECK(r.first == 1);
  CHECK(r.head.seq == 5);
  struct stat is {};
  REQUIRE(::stat(current_file(f.dir).c_str(), &is) == 0);
  CHECK((is.st_mode & 0777) == 0600);
  CHECK(f.found(r.head).empty());
  CHECK(chain_head::parse(r.head.text()).value().at == r.head.at);
  for (const auto* bad : {"", "5", "5:", "x:00", "5:00", ":"})
    CHECK(chain_head::parse(bad).error().code == "bad_audit_head");
  CHECK(verify(f.dir / "nowhere", {}).error().code == "audit_failed");
}

TEST_CASE("a line that was changed is found, and which", "[audit][unit]") {
  fixture f;
  f.write(6);
  const auto good = f.lines();
  for (std::size_t i = 0; i + 1 < good.size(); ++i) {
    auto all = good;
    all[i].replace(all[i].find("act "), 5, "ACT 9");
    f.put(all);
    CHECK(f.found() ==
          std::vector<std::string>{std::to_string(i + 2) + ": seq " + std::to_string(i + 1) +
                                   " was changed, or this is not the line that followed it"});
  }
  auto all = good;
  all[2] = "{}";
  f.put(all);
  CHECK(f.found() ==
        std::vector<std::string>{"3: this is no line of the log: it was changed, or inserted",
                                 "4: seq 3 was changed, or this is not the line that followed it"});
}

TEST_CASE("lines that were removed, inserted or moved are found", "[audit][unit]") {
  fixture f;
  f.write(8);
  const auto good = f.lines();
  auto all = good;
  all.erase(all.begin() + 3);
  f.put(all);
  CHECK(f.found() == std::vector<std::string>{"4: seq 4 was removed"});
  all.erase(all.begin() + 3, all.begin() + 5);
  f.put(all);
  CHECK(f.found() == std::vector<std::string>{"4: seq 4 to 6 were removed"});
  all = good;
  all.insert(all.begin() + 4, all[1]);
  f.put(all);
  CHECK(f.found() == std::vector<std::string>{"5: seq 2 stands behind seq 4: it was inserted"});
  all = good;
  std::swap(all[2], all[3]);
  f.put(all);
  CHECK(f.found() == std::vector<std::string>{"3: seq 3 was removed",
                                              "4: seq 3 stands behind seq 4: it was inserted"});
}

TEST_CASE("an end that was cut off shows against a head that was kept, and only so",
          "[audit][unit]") {
  fixture f;
  f.write(6);
  const auto head = f.check().head;
  auto all = f.lines();
  all.resize(4);
  f.put(all);
  CHECK(f.found().empty());
  CHECK(f.found(head) == std::vector<std::string>{
                             "4: it ends at seq 4, and seq 6 was there once: its end was cut off"});
  f.write(2); // the log goes on, and is long enough again
  CHECK(f.found().empty());
  CHECK(f.found(head) == std::vector<std::string>{
                             "6: seq 6 is not the one that was kept: the log was written anew"});
}

TEST_CASE("what a crash left of a line is taken off, and that is said", "[audit][unit]") {
  fixture f;
  f.write(2);
  const auto good = f.lines();
  for (const std::size_t cut : {std::size_t(1), std::size_t(40), good[1].size()}) {
    f.put({good[0]}, good[1].substr(0, cut));
    CHECK(f.check().unfinished);
    f.write(1);
    const auto r = f.check();
    CHECK(r.findings.empty());
    CHECK_FALSE(r.unfinished);
    REQUIRE(r.lines == 3);
    const auto mended = parse_line(f.lines()[1]).value();
    CHECK(mended.what.name == "mended");
    CHECK(mended.what.subject == std::to_string(cut) + " bytes of an unfinished line");
  }
  f.put({}, good[0].substr(0, 10)); // not even one line was finished
  f.write(1);
  CHECK(f.check().findings.empty());
  f.put({good[0]}, std::string(10'000, '\0')); // as a file system may leave it
  f.write(1);
  CHECK(f.check().findings.empty());
}

TEST_CASE("a log whose last line is none is not gone on with", "[audit][unit]") {
  fixture f;
  f.write(2);
  auto all = f.lines();
  all[1] += "x";
  f.put(all);
  CHECK(audit_log::open(f.dir, f.time).error().code == "audit_damaged");
  f.put({}, std::string(1 << 20, 'x'));
  CHECK(audit_log::open(f.dir, f.time).error().code == "audit_damaged");
  CHECK(fs::file_size(current_file(f.dir)) == 1 << 20); // nothing was taken off
  fs::remove(current_file(f.dir));
  fs::create_symlink("/dev/null", current_file(f.dir));
  CHECK_FALSE(audit_log::open(f.dir, f.time));
}

TEST_CASE("a log that grew is put aside, the chain goes on, and the oldest files go",
          "[audit][unit]") {
  fixture f;
  const log_options small{.file_size_max = 1000, .files_max = 3};
  for (int life = 0; life < 4; ++life) {
    auto log = f.open(small);
    for (int i = 0; i < 10; ++i) REQUIRE(fixture::append(*log, "act"));
  }
  auto files = rotated_files(f.dir).value();
  CHECK(files.size() == 3);
  auto r = f.check();
  CHECK(r.findings.empty());
  CHECK(r.files == 4);
  CHECK(r.head.seq == 40);
  CHECK(r.first > 1);
  CHECK(files[0] == rotated_path(f.dir, r.first)); // named by its first line
  // One of those between is missing.
  fs::remove(files[1]);
  CHECK(f.found().size() == 1);
  // A crash between putting the file aside and making the new one.
  fs::remove(current_file(f.dir));
  const auto last = f.check().head.seq;
  f.write(1);
  CHECK(f.check().head.seq == last + 1);
}

TEST_CASE("lines of many threads are one chain, and each is there when its act is answered",
          "[audit][unit]") {
  fixture f;
  auto log = f.open();
  std::atomic<int> answered{0}, missing{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const auto name = "t" + std::to_string(t) + "i" + std::to_string(i) + ".";
        if (!fixture::append(*log, name)) return;
        ++answered;
        std::ifstream in(current_file(f.dir));
        const std::string all((std::istreambuf_iterator<char>(in)), {});
        if (all.find(name) == all.npos) ++missing;
      }
    });
  for (auto& t : threads) t.join();
  CHECK(answered == 200);
  CHECK(missing == 0);
  log.reset();
  CHECK(f.check().findings.empty());
  CHECK(f.check().lines == 200);
}

TEST_CASE("a log that cannot be written says so, from then on", "[audit][unit]") {
  if (::geteuid() == 0) { // for whom no directory is closed: its place is taken instead
    fixture f;
    auto log = f.open({.file_size_max = 1});
    REQUIRE(fixture::append(*log, "a"));
    fs::create_directory(rotated_path(f.dir, 1)); // so that it cannot be put aside
    std::ofstream(rotated_path(f.dir, 1) / "x") << "x";
    CHECK(fixture::append(*log, "b").error().code == "audit_failed");
    CHECK(log->usable().error().code == "audit_failed");
    CHECK(fixture::append(*log, "c").error().code == "audit_failed");
    return;
  }
  fixture f;
  auto log = f.open({.file_size_max = 1});
  REQUIRE(fixture::append(*log, "a"));
  fs::permissions(f.dir, fs::perms::owner_read | fs::perms::owner_exec);
  CHECK(fixture::append(*log, "b").error().code == "audit_failed");
  CHECK(log->usable().error().code == "audit_failed");
  CHECK(fixture::append(*log, "c").error().code == "audit_failed");
  fs::permissions(f.dir, fs::perms::owner_all);
}

TEST_CASE("a log that is closed refuses, and has written what waited", "[audit][unit]") {
  fixture f;
  auto log = f.open();
  std::atomic<int> done{0};
  for (int i = 0; i < 100; ++i)
    log->append({"a", "b", "ok", "c"}, [&](const result<void>& r) { done += r ? 1 : 0; });
  log->close();
  CHECK(done == 100);
  CHECK(f.check().lines == 100);
  CHECK(fixture::append(*log, "late").error().code == "audit_closed");
  CHECK(log->usable().error().code == "audit_closed");
}

TEST_CASE("the check survives any bytes, and finds no more than it may say", "[audit][property]") {
  seeded_random random(11);
  fixture f;
  f.write(20);
  std::string whole;
  for (const auto& l : f.lines()) whole += l + "\n";
  for (int round = 0; round < 300; ++round) {
    auto text = whole;
    text[random.below(text.size())] = char(random.below(256));
    std::ofstream(current_file(f.dir), std::ios::trunc) << text;
    const auto r = f.check();
    if (text != whole && !r.unfinished && r.head.seq != 20) CHECK_FALSE(r.findings.empty());
  }
  std::ofstream(current_file(f.dir), std::ios::trunc) << std::string(5000, '\n');
  const auto r = f.check();
  CHECK(r.findings.size() == findings_max);
  CHECK(r.more_findings == 5000 - findings_max);
}
