// Secrets as types: they wipe themselves, are copied only by clone(), are compared in constant
// time, and have no way to a stream, a string or a log. Whoever needs the raw bytes says expose(),
// which is easy to search for.
#pragma once

#include "runtime/base/bytes.hpp"
#include "runtime/base/random.hpp"

namespace kith::crypto {

// Overwrites in a way that the compiler does not remove.
void wipe(std::span<std::uint8_t> b);
void wipe(std::string& s);

// Takes a time that depends on the lengths only; different lengths are unequal.
bool equal_constant_time(byte_view a, byte_view b);

// Exactly N secret bytes; zeros by default. A moved-from one is wiped. Not thread-safe to change.
template <std::size_t N> class secret_bytes {
public:
  static constexpr std::size_t size = N;

  secret_bytes() = default;
  // Copies; the original is the caller's to wipe.
  explicit secret_bytes(std::span<const std::uint8_t, N> b) {
    std::memcpy(data_.data(), b.data(), N);
  }
  static secret_bytes random(random_source& source) {
    secret_bytes made;
    source.fill(made.expose_mutable());
    return made;
  }
  secret_bytes(secret_bytes&& other) noexcept : data_(other.data_) { wipe(other.data_); }
  secret_bytes& operator=(secret_bytes&& other) noexcept {
    if (this != &other) {
      data_ = other.data_;
      wipe(other.data_);
    }
    return *this;
  }
  secret_bytes(const secret_bytes&) = delete;
  secret_bytes& operator=(const secret_bytes&) = delete;
  ~secret_bytes() { wipe(data_); }

  secret_bytes clone() const { return secret_bytes(expose()); }
  std::span<const std::uint8_t, N> expose() const {
    return std::span<const std::uint8_t, N>(data_);
  }
  std::span<std::uint8_t, N> expose_mutable() { return std::span<std::uint8_t, N>(data_); }

  friend bool operator==(const secret_bytes& a, const secret_bytes& b) {
    return equal_constant_time(a.expose(), b.expose());
  }

private:
  byte_array<N> data_{};
};

// As many secret bytes as it was made with: a cluster secret, an opened payload.
class secret_buffer {
public:
  secret_buffer() = default;
  explicit secret_buffer(std::size_t size) : data_(size) {}
  // Copies; the original is the caller's to wipe.
  explicit secret_buffer(byte_view b) : data_(b.begin(), b.end()) {}
  secret_buffer(secret_buffer&& other) noexcept = default;
  secret_buffer& operator=(secret_buffer&& other) noexcept {
    if (this != &other) {
      wipe(data_);
      data_ = std::move(other.data_);
    }
    return *this;
  }
  secret_buffer(const secret_buffer&) = delete;
  secret_buffer& operator=(const secret_buffer&) = delete;
  ~secret_buffer() { wipe(data_); }

  secret_buffer clone() const { return secret_buffer(expose()); }
  std::size_t size() const { return data_.size(); }
  byte_view expose() const { return data_; }
  std::span<std::uint8_t> expose_mutable() { return data_; }

  friend bool operator==(const secret_buffer& a, const secret_buffer& b) {
    return equal_constant_time(a.expose(), b.expose());
  }

private:
  bytes data_; // never grows, so that no copy is left behind by a reallocation
};

} // namespace kith::crypto
