// How a command ends: one table from categories of errors to exit codes, and how an error is told
// to a person and to a script.
#pragma once

#include "tools/kith/console.hpp"

namespace kith::cli {

// Documented in `kith --help`; scripts stand on them, so none changes its meaning.
enum exit_code : int {
  exit_ok = 0,
  exit_failed = 1,      // it was tried and failed, or the answer was a refusal
  exit_usage = 2,       // the command line or a setting makes no sense
  exit_unavailable = 3, // no node is running there, or a port or directory is in use
  exit_not_found = 4,
  exit_forbidden = 5, // who asks is not known, or may not
  exit_timeout = 6,
  exit_overloaded = 7,
  exit_corrupt = 8, // what is stored is damaged, or the disk failed
};

exit_code exit_code_of(errc category);
// The way back, as far as there is one: a category that has this exit code. Internal for a code
// that is not ours.
errc category_of_exit_code(int code);
// Of an ask's status: "ok", "timeout", or anything else, which failed.
exit_code exit_code_of_answer(std::string_view status);

// "no agent is named ada (unknown_agent). `kith agents --all` lists them." One sentence for what
// happened, and where it helps one for what to do next.
std::string sentence_of(const error& e);
// {"error":{"category":"not_found","code":"unknown_agent","context":"...","exit_code":4}}
std::string document_of(const error& e);

// Tells it: the sentence to err, and with `json` the document to out. The exit code.
int report(const console& io, bool json, const error& e);

} // namespace kith::cli
