// For tests only: a node's control socket, served by a thread with answers that the test decides,
// and a directory that goes away with the test.
#pragma once

#include "runtime/base/bytes.hpp"
#include "runtime/base/random.hpp"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <poll.h>
#include <string>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace kith::test {

class temporary_directory {
public:
  temporary_directory() {
    std::string name = (std::filesystem::temp_directory_path() / "kith-test-XXXXXX").string();
    if (!::mkdtemp(name.data())) std::abort();
    path_ = name;
  }
  temporary_directory(const temporary_directory&) = delete;
  ~temporary_directory() {
    std::error_code ignored; // a leftover in /tmp harms nobody
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

private:
  std::filesystem::path path_;
};

// Serves until destroyed. `answer` gets each line and gives the answer's line; nothing closes the
// connection instead. It runs on the server's thread.
class fake_node {
public:
  using handler = std::function<std::optional<std::string>(const std::string& line)>;

  fake_node(const std::string& socket_path, handler answer) : answer_(std::move(answer)) {
    std::filesystem::create_directories(std::filesystem::path(socket_path).parent_path());
    ::unlink(socket_path.c_str());
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    if (socket_path.size() >= sizeof at.sun_path) std::abort();
    socket_path.copy(at.sun_path, socket_path.size());
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    stop_ = ::eventfd(0, EFD_CLOEXEC);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) std::abort();
    if (::listen(listener_, 16) != 0) std::abort();
    thread_ = std::thread([this] { serve(); });
  }
  fake_node(const fake_node&) = delete;
  ~fake_node() {
    const std::uint64_t one = 1;
    if (::write(stop_, &one, sizeof one) != sizeof one) std::abort();
    thread_.join();
    ::close(listener_);
    ::close(stop_);
  }

  // What it was sent, oldest first.
  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  unsigned connections() const { return connections_; }

private:
  void serve() {
    std::map<int, std::string> open; // by descriptor: what came of an unfinished line
    for (;;) {
      std::vector<pollfd> fds{{stop_, POLLIN, 0}, {listener_, POLLIN, 0}};
      for (const auto& [fd, rest] : open) fds.push_back({fd, POLLIN, 0});
      ::poll(fds.data(), fds.size(), -1);
      if (fds[0].revents) break;
      if (fds[1].revents) {
        open[::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)];
        ++connections_;
      }
      for (std::size_t i = 2; i < fds.size(); ++i)
        if (fds[i].revents && !read_from(fds[i].fd, open[fds[i].fd])) {
          ::close(fds[i].fd);
          open.erase(fds[i].fd);
        }
    }
    for (const auto& [fd, rest] : open) ::close(fd);
  }

  bool read_from(int fd, std::string& buffer) {
    char chunk[65536];
    const auto n = ::recv(fd, chunk, sizeof chunk, 0);
    if (n <= 0) return false;
    buffer.append(chunk, std::size_t(n));
    for (auto end = buffer.find('\n'); end != buffer.npos; end = buffer.find('\n')) {
      const auto line = buffer.substr(0, end);
      buffer.erase(0, end + 1);
      {
        const std::lock_guard lock(mutex_);
        lines_.push_back(line);
      }
      const auto out = answer_(line);
      if (!out) return false;
      const auto text = *out + "\n";
      for (std::size_t sent = 0; sent < text.size();) {
        const auto count = ::send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) return false;
        sent += std::size_t(count);
      }
    }
    return true;
  }

  handler answer_;
  int listener_ = -1;
  int stop_ = -1;
  std::atomic<unsigned> connections_{0};
  mutable std::mutex mutex_; // guards lines_
  std::vector<std::string> lines_;
  std::thread thread_;
};

} // namespace kith::test
