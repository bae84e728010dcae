#include "sys/entropy.h"

#include "sys/sys.h"
#include "test.h"

TEST(bytes_beyond_one_kernel_call_are_all_filled)
{
    unsigned char a[1000] = {0}, b[1000] = {0};
    size_t zeros = 0;

    CHECK(entropy_fill(a, sizeof(a)) == ERR_OK);
    CHECK(entropy_fill(b, sizeof(b)) == ERR_OK);
    CHECK(memcmp(a, b, sizeof(a)) != 0);
    for (size_t i = 900; i < sizeof(a); i++)
        zeros += a[i] == 0 ? 1 : 0;
    CHECK(zeros < 20);
}

TEST(a_kernel_without_generator_is_an_error)
{
    unsigned char a[300];

    (void)sys_fault_arm(2, ENOSYS);
    CHECK(entropy_fill(a, sizeof(a)) == ERR_IO);
    (void)sys_fault_arm(0, 0);
}
