# googletest, as Debian ships its source, built by cmake and four makes at a
# time, with the tests of a small project of its own.
# usage: googletest.sh [CMAKE-OPTION...]
mkdir -p /tmp/project && cd /tmp/project || exit 1
cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.5)
project(queue CXX)
enable_testing()
add_subdirectory(/usr/src/googletest googletest)
add_library(queue queue.cc)
add_executable(tests push.cc pop.cc)
target_link_libraries(tests queue gtest_main)
add_test(NAME push COMMAND tests --gtest_filter=Push.*)
add_test(NAME pop COMMAND tests --gtest_filter=Pop.*)
END
cat >queue.h <<'END'
#include <vector>
struct queue {
    std::vector<int> v;
    void push(int x);
    int pop();
};
END
cat >queue.cc <<'END'
#include "queue.h"
#include <stdexcept>
void queue::push(int x) { v.push_back(x); }
int queue::pop()
{
    if (v.empty()) throw std::out_of_range("empty");
    int x = v.front();
    v.erase(v.begin());
    return x;
}
END
cat >push.cc <<'END'
#include <gtest/gtest.h>
#include "queue.h"
TEST(Push, Grows) { queue q; q.push(1); EXPECT_EQ(q.v.size(), 1u); }
TEST(Push, Dies) { EXPECT_EXIT(_exit(3), testing::ExitedWithCode(3), ""); }
TEST(Push, Aborts) { EXPECT_DEATH({ fputs("gone\n", stderr); abort(); }, "gone"); }
END
cat >pop.cc <<'END'
#include <gtest/gtest.h>
#include "queue.h"
TEST(Pop, InOrder)
{
    queue q;
    for (int i = 0; i < 100; i++) q.push(i);
    for (int i = 0; i < 100; i++) EXPECT_EQ(q.pop(), i);
}
TEST(Pop, Throws) { queue q; EXPECT_THROW(q.pop(), std::out_of_range); }
TEST(Pop, IsWrongOnPurpose) { EXPECT_EQ(1, 2); }
END
cmake -S . -B build -DCMAKE_CXX_FLAGS=-O0 "$@" || exit 1
make -C build -j4 >log 2>&1
echo "make $?"
grep -c 'Building CXX' log
grep -E 'rror|\*\*\*' log
make -C build -j4 | grep -c 'Built target'
build/tests --gtest_print_time=0
echo "tests $?"
(cd build && ctest -j4 2>&1 | sed 's/ *[0-9.]* sec.*//; s,^[12]/2 ,,' | sort)
