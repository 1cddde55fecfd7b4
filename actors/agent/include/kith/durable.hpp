// A member that survives: its value is stored with the turn that changed it, and is there again
// when the agent is activated after a restart or on another node.
#pragma once

#include <kith/agent.hpp>

namespace kith {

namespace detail {

// What all durables share. Registers itself with its agent; used by that agent's thread only.
class cell {
public:
  static constexpr std::uint8_t format =
      1; // of what is stored: this byte, the version (2 bytes), JSON
  static constexpr std::size_t header_size = 3;
  static constexpr std::size_t name_size_max = 255;

  cell(agent& owner, std::string_view name, cell_version v);
  cell(const cell&) = delete;
  cell& operator=(const cell&) = delete;
  virtual ~cell() = default;

  const std::string& name() const { return name_; }
  std::uint16_t version() const { return version_; }
  virtual void write(json_writer& out) const = 0;
  // The end of the turn: the value stands, or is again what it was.
  virtual void commit() noexcept = 0;
  virtual void roll_back() noexcept = 0;
  // The value is what a handler that runs again once read, until it is rolled back. False: it no
  // longer reads that.
  virtual bool stage(const json& recorded, decode_error& why) = 0;

protected:
  // Reads what is stored: its version, 0 if there is nothing. A newer version than ours, or bytes
  // that are not a cell, end the activation with that error.
  std::uint16_t load(json& value);
  [[noreturn]] void reject(std::string reason) const;
  // To be called before the value changes. True the first time in a turn. `knowingly`: whatever
  // others made of it since it was read.
  bool touch(bool knowingly = false);
  // To be called before the value is read: a handler that may run again records what it read.
  void reading() const;

private:
  friend class kith::agent_core;
  agent_core& core_;
  std::string name_;
  std::uint16_t version_;
  bool dirty_ = false;
  bool seen_ = false; // read, by the segment that runs
};

} // namespace detail

// T is anything that JSON can be read into (describe.hpp). `name` is what it is stored under:
// unique in the agent, and kept over releases. A stored value of an older version is read as it is,
// or by `migrate(int version, const json&)`, which returns a T; one of a newer version refuses the
// agent's activation with unsupported "cell_version".
template <class T> class durable final : public detail::cell {
public:
  durable(agent& owner, std::string_view name, T initial = {}, cell_version v = {})
      : durable(owner, name, std::move(initial), v, nullptr) {}
  template <class Migrate>
  durable(agent& owner, std::string_view name, T initial, cell_version v, Migrate migrate)
      : cell(owner, name, v), value_(std::move(initial)) {
    static_assert(json_readable<T>,
                  "Kith cannot turn this type into JSON: describe it with KITH_DESCRIBE");
    json stored;
    const int from = load(stored);
    if (from == 0) return;
    if constexpr (!std::is_same_v<Migrate, std::nullptr_t>) {
      if (from < v.number) {
        value_ = migrate(from, std::as_const(stored));
        return;
      }
    }
    decode_error why;
    if (!json_codec<T>::read(stored, value_, why)) reject(why.text());
  }

  // What this turn has made of it so far. The reference is good until the next change.
  const T& get() const { return reading(), value_; }
  // In a turn or in setup only.
  void set(T value) {
    if (touch()) before_.emplace(std::move(value_));
    value_ = std::move(value);
  }
  // The same, and says that it does not matter what other turns made of it since this handler read
  // it, before an await: the simulator reports a set() that forgets them.
  void overwrite(T value) {
    if (touch(true)) before_.emplace(std::move(value_));
    value_ = std::move(value);
  }
  // `fn(T&)` changes it in place.
  template <class F> void update(F&& fn) {
    reading();
    if (touch()) before_.emplace(value_);
    fn(value_);
  }

private:
  void write(json_writer& out) const override { json_codec<T>::write(out, value_); }
  void commit() noexcept override { before_.reset(); }
  void roll_back() noexcept override {
    if (before_) value_ = std::move(*before_);
    before_.reset();
  }

  bool stage(const json& recorded, decode_error& why) override {
    T value{};
    if (!json_codec<T>::read(recorded, value, why)) return false;
    if (touch()) before_.emplace(std::move(value_));
    value_ = std::move(value);
    return true;
  }

  T value_;
  std::optional<T> before_;
};

} // namespace kith
