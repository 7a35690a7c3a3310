// SPDX-License-Identifier: Apache-2.0
// The process that outlives the program in order to clean up after it.
#define _GNU_SOURCE
#include "runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kWatch = 3, kReport = 4, kFirstFree = 5 };

// Forked twice and in a session of its own: it is nobody's child, a signal to the program's group or terminal does not
// reach it, and it keeps nothing of the program open, so that whoever reads the program's output sees its end.
static int becomeDetached(struct Lifeline* line)
{
    static const int endings[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; ++i)
        signal(endings[i], SIG_IGN);
    setsid();
    const int watch = fcntl(line->watch, F_DUPFD, kFirstFree);
    const int report = fcntl(line->report, F_DUPFD, kFirstFree);
    const int nothing = open("/dev/null", O_RDWR);
    if (watch < 0 || report < 0 || dup2(watch, kWatch) < 0 || dup2(report, kReport) < 0 || chdir("/") != 0)
        _exit(1);
    for (int fd = 0; fd < kWatch && nothing >= 0; ++fd)
        dup2(nothing, fd);
    close_range(kFirstFree, ~0U, 0);
    fcntl(kWatch, F_SETFD, FD_CLOEXEC);
    fcntl(kReport, F_SETFD, FD_CLOEXEC);
    *line = (struct Lifeline){.hold = -1, .answer = -1, .watch = kWatch, .report = kReport};
    return 0;
}

int detach(struct Lifeline* line)
{
    int life[2];
    int ready[2];
    if (pipe(life) != 0)
        return -1;
    if (pipe2(ready, O_CLOEXEC) != 0) {
        close(life[0]);
        close(life[1]);
        return -1;
    }
    *line = (struct Lifeline){life[1], ready[0], life[0], ready[1]};

    const pid_t first = fork();
    if (first == 0) {
        const pid_t second = fork();
        if (second != 0)
            _exit(second < 0);
        return becomeDetached(line);
    }
    close(line->watch);
    close(line->report);
    int status = 0;
    while (first > 0 && waitpid(first, &status, 0) < 0 && errno == EINTR)
        ;
    if (first > 0 && status == 0)
        return 1;
    close(line->hold);
    close(line->answer);
    return -1;
}

void waitForEnd(const struct Lifeline* line)
{
    char byte;
    while (read(line->watch, &byte, 1) < 0 && errno == EINTR)
        ;
}

void reportFolder(const struct Lifeline* line, const char* folder)
{
    // Shorter than what a pipe takes at once. When nobody listens any more, the end has come and is seen by `watch`.
    if (write(line->report, folder, strlen(folder) + 1) < 0)
        errno = 0;
    close(line->report);
}

bool receiveFolder(const struct Lifeline* line, char* folder, size_t size)
{
    size_t length = 0;
    while (length < size) {
        const ssize_t got = read(line->answer, folder + length, size - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    close(line->answer);
    if (length == 0 || folder[length - 1] != '\0') {
        close(line->hold);
        return false;
    }
    char number[16];
    snprintf(number, sizeof number, "%d", line->hold);
    setenv("BITMEND_LIFELINE", number, 1);
    return true;
}
