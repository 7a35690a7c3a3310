// SPDX-License-Identifier: Apache-2.0
// random_writes DEVICE WRITERS SECONDS: 4 KiB at random past the page cache, by so many processes, after
// as many seconds in which nothing is counted. Prints the writes in a second. For the guest of
// kernel_writes.py.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint64_t write_until(double end, int file, uint64_t blocks, uint64_t *state, void *block)
{
    uint64_t count = 0;
    while (now() < end) {
        for (int i = 0; i < 16; ++i, ++count) {
            if (pwrite(file, block, BLOCK, (off_t)(next(state) % blocks * BLOCK)) != BLOCK) {
                perror("pwrite");
                exit(1);
            }
        }
    }
    return count;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    const int writers = atoi(argv[2]);
    const double seconds = atof(argv[3]);
    uint64_t *counts = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const double begin = now();
    for (int i = 0; i < writers; ++i) {
        if (fork() != 0)
            continue;
        const int file = open(argv[1], O_RDWR | O_DIRECT);
        void *block;
        if (file < 0 || posix_memalign(&block, BLOCK, BLOCK) != 0)
            exit(1);
        memset(block, i + 1, BLOCK);
        const uint64_t blocks = (uint64_t)lseek(file, 0, SEEK_END) / BLOCK;
        uint64_t state = 88172645463325252u + (uint64_t)i;
        write_until(begin + seconds, file, blocks, &state, block);
        counts[i] = write_until(begin + 2 * seconds, file, blocks, &state, block);
        exit(0);
    }
    int status = 0;
    int failed = 0;
    while (wait(&status) > 0)
        failed |= status;
    uint64_t sum = 0;
    for (int i = 0; i < writers; ++i)
        sum += counts[i];
    printf("%.0f\n", (double)sum / seconds);
    return failed != 0;
}
