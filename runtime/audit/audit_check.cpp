#include "runtime/audit/audit_check.hpp"

#include "runtime/audit/audit_log.hpp"

#include <charconv>
#include <fstream>

namespace kith::audit {

namespace fs = std::filesystem;

std::string chain_head::text() const { return std::to_string(seq) + ":" + to_hex(at); }

result<chain_head> chain_head::parse(std::string_view text) {
  chain_head out;
  const auto colon = text.find(':');
  const auto* end = text.data() + std::min(colon, text.size());
  const auto number = std::from_chars(text.data(), end, out.seq);
  const auto digits =
      colon == text.npos ? result<bytes>(bytes()) : from_hex(text.substr(colon + 1));
  if (number.ec != std::errc() || number.ptr != end || !digits || digits->size() != out.at.size())
    return fail(errc::invalid, "bad_audit_head",
                "a head is SEQ:DIGEST, as `kith audit verify` prints it");
  std::copy(digits->begin(), digits->end(), out.at.begin());
  return out;
}

void checker::begin_file(std::string name) {
  file_ = std::move(name);
  line_ = 0;
  ++report_.files;
}

void checker::found(std::string what) {
  if (report_.findings.size() >= findings_max)
    ++report_.more_findings;
  else
    report_.findings.push_back({file_, line_, std::move(what)});
}

// Which of two neighbours is to blame when they do not fit: by their numbers, a line is missing or
// one too many; if these are right, the earlier is not what it was when the later was written.
void checker::add(std::string_view text) {
  ++line_, ++report_.lines;
  const auto l = parse_line(text);
  const auto number = [](std::uint64_t seq) { return std::to_string(seq); };
  const auto now = digest_of(text);
  if (!l) {
    found("this is no line of the log: it was changed, or inserted");
    if (seq_ != 0) ++seq_; // as if it were the one that should be here
    last_ = now;
    return;
  }
  if (seq_ == 0) {
    report_.first = l->seq;
    if (l->seq == 1 && l->previous != digest{})
      found("seq 1 names a line before it: it was changed");
  } else if (l->seq > seq_ + 1) {
    found("seq " + number(seq_ + 1) +
          (l->seq == seq_ + 2 ? " was removed" : " to " + number(l->seq - 1) + " were removed"));
  } else if (l->seq <= seq_) {
    found("seq " + number(l->seq) + " stands behind seq " + number(seq_) + ": it was inserted");
    return; // what follows goes on from the line before
  } else if (l->previous != last_) {
    found("seq " + number(l->seq - 1) + " was changed, or this is not the line that followed it");
  }
  if (keep_ && keep_->seq == l->seq) {
    kept_seen_ = true;
    if (keep_->at != now)
      found("seq " + number(l->seq) + " is not the one that was kept: the log was written anew");
  }
  seq_ = l->seq;
  last_ = now;
}

report checker::finish() {
  report_.head = {seq_, last_};
  if (keep_ && !kept_seen_) {
    if (keep_->seq > seq_)
      found("it ends at seq " + std::to_string(seq_) + ", and seq " + std::to_string(keep_->seq) +
            " was there once: its end was cut off");
    else if (keep_->seq >= report_.first)
      found("seq " + std::to_string(keep_->seq) + " was there once, and is missing");
    else
      found("seq " + std::to_string(keep_->seq) +
            " was there once, and is in no file that is left");
  }
  return std::move(report_);
}

namespace {

result<void> read_file(const fs::path& path, const std::function<void(std::string_view)>& see,
                       bool& unfinished) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(errc::io, "audit_failed", "cannot read " + path.string());
  std::string text; // cut: as much as shows that it is too long
  char chunk[65536];
  while (in.read(chunk, sizeof chunk), in.gcount() > 0) {
    std::string_view rest(chunk, std::size_t(in.gcount()));
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      const auto part = rest.substr(0, end);
      const auto room = line_size_max + 1 - std::min(text.size(), line_size_max + 1);
      text += part.substr(0, room);
      if (end == rest.npos) break;
      see(text);
      text.clear();
      rest.remove_prefix(end + 1);
    }
  }
  if (in.bad()) return fail(errc::io, "audit_failed", "cannot read " + path.string());
  unfinished = !text.empty();
  return {};
}

} // namespace

result<void> read_all(const fs::path& dir, const std::function<void(const std::string&)>& begin,
                      const std::function<void(std::string_view)>& see, bool& unfinished) {
  KITH_ASSIGN(auto files, rotated_files(dir));
  std::error_code ec;
  if (fs::exists(current_file(dir), ec)) files.push_back(current_file(dir));
  if (files.empty())
    return fail(errc::not_found, "no_audit_log", dir.string() + " has no audit log");
  for (const auto& f : files) {
    begin(f.filename().string());
    KITH_TRY(read_file(f, see, unfinished));
  }
  return {};
}

result<report> verify(const fs::path& dir, std::optional<chain_head> keep) {
  checker c(std::move(keep));
  bool unfinished = false;
  KITH_TRY(read_all(
      dir, [&](const std::string& name) { c.begin_file(name); },
      [&](std::string_view text) { c.add(text); }, unfinished));
  if (unfinished) c.unfinished();
  return c.finish();
}

} // namespace kith::audit
