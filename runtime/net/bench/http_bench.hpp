// How fast the HTTP server answers, beside a bare Beast server that answers the same bytes, and
// what an idle stream costs. Functions, so that tools/bench can make rows of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace kith::net::bench {

struct http_load {
  int connections = 32; // keep-alive, each with one request under way
  double seconds = 2;
  std::string target = "/1.0/identifiers/did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
  std::size_t body_size = 600; // of each answer
};

struct http_speed {
  double requests_a_second = 0;
  double server_cpu_us = 0; // of the server's thread, for each request
  std::size_t answer_size = 0;
};

// A server on its own thread and core, a client on another core; real sockets on loopback.
http_speed measure_kith_http(const http_load& load);
http_speed measure_bare_beast(const http_load& load);

// Added resident memory of each of `count` idle followers of an event stream, in bytes.
double measure_idle_follower(std::size_t count);

// A client that is no part of what is measured: sends `request` on each connection, waits for as
// many bytes as the first answer had, and again. The number of answers within the time.
struct load_result {
  std::size_t answers = 0;
  std::size_t answer_size = 0;
  double seconds = 0;
};
load_result run_load(std::uint16_t port, const http_load& load);

// Keeps the calling thread on one core, if there are that many.
void pin_thread(unsigned core);
// Processor time of the calling thread in seconds.
double thread_cpu_seconds();

} // namespace kith::net::bench
