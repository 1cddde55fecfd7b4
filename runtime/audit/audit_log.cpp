// Lines are appended with write(2) and fdatasync(2); a file is put aside by rename(2), with the
// directory synced on both sides of it.
#include "runtime/audit/audit_log.hpp"

#include "runtime/base/descriptor.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace kith::audit {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view current_name = "audit.log";
constexpr std::string_view rotated_begin = "audit-", rotated_end = ".log";
constexpr std::size_t seq_digits = 20;
// Written and synced at once, and so what a crash may leave without an end.
constexpr std::size_t together_max = 64;
constexpr std::size_t unfinished_max = together_max * (line_size_max + 1);

// All of `out` from there, or false with errno; a file that ends before is EIO.
bool read_at(int fd, std::string& out, std::uint64_t at) {
  for (std::size_t done = 0; done < out.size();) {
    const auto n = ::pread(fd, out.data() + done, out.size() - done, off_t(at + done));
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = EIO;
    if (n <= 0) return false;
    done += std::size_t(n);
  }
  return true;
}

} // namespace

fs::path current_file(const fs::path& dir) { return dir / current_name; }

fs::path rotated_path(const fs::path& dir, std::uint64_t first) {
  auto digits = std::to_string(first);
  digits.insert(0, seq_digits - digits.size(), '0');
  return dir / (std::string(rotated_begin) + digits + std::string(rotated_end));
}

result<std::vector<fs::path>> rotated_files(const fs::path& dir) {
  std::vector<fs::path> found;
  std::error_code ec;
  for (fs::directory_iterator it(dir, ec), end; !ec && it != end; it.increment(ec)) {
    const auto name = it->path().filename().string();
    if (name.size() != rotated_begin.size() + seq_digits + rotated_end.size()) continue;
    if (!name.starts_with(rotated_begin) || !name.ends_with(rotated_end)) continue;
    const auto digits = name.substr(rotated_begin.size(), seq_digits);
    if (digits.find_first_not_of("0123456789") == digits.npos) found.push_back(it->path());
  }
  if (ec) return fail(errc::io, "audit_failed", dir.string() + ": " + ec.message());
  std::sort(found.begin(), found.end());
  return found;
}

error audit_log::failed(const std::string& what) const {
  return {errc::io, "audit_failed",
          what + " " + current_file(dir_).string() + ": " + std::strerror(errno)};
}

result<void> audit_log::sync_dir() {
  const descriptor dir(::open(dir_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir || ::fsync(dir.get()) != 0) return fail(failed("cannot sync the directory of"));
  return {};
}

// Its last whole line is what the next one is bound to. What follows that is taken off.
result<void> audit_log::adopt_last_of(const fs::path& file) {
  const descriptor in(::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  struct stat is {};
  if (!in || ::fstat(in.get(), &is) != 0) return fail(failed("cannot read, for"));
  if (!S_ISREG(is.st_mode))
    return fail(errc::corrupt, "audit_damaged", file.string() + " is no regular file");
  const auto size = std::uint64_t(is.st_size);
  // The last whole line, and what a crash may have left behind it.
  std::string tail(std::size_t(std::min<std::uint64_t>(size, line_size_max + 1 + unfinished_max)),
                   '\0');
  if (!read_at(in.get(), tail, size - tail.size())) return fail(failed("cannot read, for"));
  const auto damaged = [&](const char* what) {
    return fail(errc::corrupt, "audit_damaged",
                file.string() + ": " + what +
                    "; `kith audit verify` says more. Move it away to begin a new one");
  };
  const auto end = tail.rfind('\n');
  const auto rest = end == tail.npos ? tail.size() : tail.size() - end - 1;
  if (rest > unfinished_max) return damaged("what follows the last line is too long");
  if (end == tail.npos) {
    if (size > tail.size()) return damaged("it has no lines");
  } else {
    const auto before = end == 0 ? tail.npos : tail.rfind('\n', end - 1);
    const auto begin = before == tail.npos ? 0 : before + 1;
    if (before == tail.npos && size > tail.size()) return damaged("its last line is too long");
    const auto text = std::string_view(tail).substr(begin, end - begin);
    const auto last = parse_line(text);
    if (!last) return damaged("its last line is none");
    seq_ = last->seq;
    head_ = digest_of(text);
  }
  if (rest == 0) return {};
  if (::ftruncate(in.get(), off_t(size - rest)) != 0 || ::fdatasync(in.get()) != 0)
    return fail(failed("cannot mend"));
  mended_ += rest;
  return {};
}

result<void> audit_log::open_current() {
  const auto path = current_file(dir_);
  fd_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  struct stat is {};
  if (fd_ < 0 || ::fchmod(fd_, 0600) != 0 || ::fstat(fd_, &is) != 0)
    return fail(failed("cannot open"));
  size_ = std::uint64_t(is.st_size);
  return sync_dir();
}

result<void> audit_log::recover() {
  KITH_ASSIGN(const auto aside, rotated_files(dir_));
  // The newest put aside first: the current file may have no line yet.
  if (!aside.empty()) KITH_TRY(adopt_last_of(aside.back()));
  const auto before = seq_;
  std::error_code ec;
  if (fs::exists(fs::symlink_status(current_file(dir_), ec))) {
    KITH_TRY(adopt_last_of(current_file(dir_)));
    if (seq_ < before)
      return fail(errc::corrupt, "audit_damaged",
                  current_file(dir_).string() + " ends before what was put aside");
  }
  first_ = before + 1;
  KITH_TRY(open_current());
  if (mended_ == 0) return {};
  std::deque<waiting> list;
  list.push_back({{"mended", std::to_string(mended_) + " bytes of an unfinished line", "ok",
                   "the node, at its start"},
                  {}});
  return write(list);
}

result<std::unique_ptr<audit_log>> audit_log::open(const fs::path& dir, const clock& time,
                                                   log_options options) {
  std::unique_ptr<audit_log> log(new audit_log(dir, time, options));
  KITH_TRY(log->recover());
  log->thread_ = std::thread([l = log.get()] { l->run(); });
  return log;
}

audit_log::~audit_log() {
  close();
  if (fd_ >= 0) ::close(fd_);
}

void audit_log::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

result<void> audit_log::usable() const {
  const std::lock_guard lock(mutex_);
  if (failed_) return fail(*failed_);
  if (closing_) return fail(errc::unavailable, "audit_closed", "the node is stopping");
  return {};
}

void audit_log::append(act what, std::function<void(result<void>)> done) {
  result<void> refused;
  {
    const std::lock_guard lock(mutex_);
    if (failed_)
      refused = fail(*failed_);
    else if (closing_)
      refused = fail(errc::unavailable, "audit_closed", "the node is stopping");
    else if (waiting_.size() >= options_.waiting_max)
      refused = fail(errc::overloaded, "audit_full", "too many acts wait for the audit log");
    else
      waiting_.push_back({std::move(what), std::move(done)});
  }
  if (refused) return wake_.notify_one();
  done(std::move(refused));
}

void audit_log::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return closing_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::deque<waiting> list;
    for (; !waiting_.empty() && list.size() < together_max; waiting_.pop_front())
      list.push_back(std::move(waiting_.front()));
    auto failed_before = failed_;
    lock.unlock();
    auto written = failed_before ? fail(*failed_before) : write(list);
    if (!written) {
      lock.lock();
      failed_ = written.error();
      lock.unlock();
    }
    for (auto& w : list)
      if (w.done) w.done(written);
    lock.lock();
  }
}

result<void> audit_log::write(const std::deque<waiting>& list) {
  if (size_ >= options_.file_size_max) KITH_TRY(rotate());
  std::string all;
  for (const auto& w : list) {
    const auto text = text_of({++seq_, time_.wall(), w.what, head_});
    head_ = digest_of(text);
    all += text;
    all += '\n';
  }
  for (std::string_view rest = all; !rest.empty();) {
    const auto n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(failed("cannot write"));
    rest.remove_prefix(std::size_t(n));
  }
  if (::fdatasync(fd_) != 0) return fail(failed("cannot sync"));
  size_ += all.size();
  return {};
}

result<void> audit_log::rotate() {
  if (::rename(current_file(dir_).c_str(), rotated_path(dir_, first_).c_str()) != 0)
    return fail(failed("cannot put aside"));
  KITH_TRY(sync_dir());
  ::close(std::exchange(fd_, -1));
  first_ = seq_ + 1;
  KITH_TRY(open_current());
  KITH_ASSIGN(const auto aside, rotated_files(dir_));
  for (std::size_t i = 0; i + options_.files_max < aside.size(); ++i)
    if (::unlink(aside[i].c_str()) != 0) return fail(failed("cannot erase the oldest, for"));
  return {};
}

} // namespace kith::audit
