// The account alone; its scenario is run by tests/sim/library.py.
#include "examples/accounts/accounts.cpp"

#include <catch2/catch.hpp>
#include <kith/test.hpp>

using accounts::account;
using accounts::payment;

TEST_CASE("an account pays what it has, and no more", "[examples][unit]") {
  kith::test::probe<account> p;
  p.tell("pay", payment{p.sender(), 70});
  p.tell("pay", payment{p.sender(), 70});
  p.tell("pay", payment{p.sender(), -5});
  p.tell("credit", 1);
  CHECK(p.sent().size() == 1);
  CHECK(p.stored<int>("balance") == 31);
}
