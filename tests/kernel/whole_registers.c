// SPDX-License-Identifier: Apache-2.0
/* Loaded in front of linux.uml's ptrace(). Its kernel keeps the extended registers of a process in a
 * buffer made for AVX-512. Where the processor has more of them (AMX), the host gives it the part that
 * fits and does not take that part back: it wants all of them or nothing. So what is missing is asked
 * for here and put behind. The tile registers that this concerns are used by nobody in the guest. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Static: the caller's stack is a small one, and it has one thread. */
static unsigned char all[1 << 16];

static long set_registers(pid_t pid, const struct iovec *part)
{
    struct iovec whole = {all, sizeof all};
    if (part->iov_len > sizeof all)
        return syscall(SYS_ptrace, PTRACE_SETREGSET, pid, NT_X86_XSTATE, part);
    long done = syscall(SYS_ptrace, PTRACE_GETREGSET, pid, NT_X86_XSTATE, &whole);
    if (done < 0)
        return done;
    if (part->iov_len >= whole.iov_len)
        return syscall(SYS_ptrace, PTRACE_SETREGSET, pid, NT_X86_XSTATE, part);
    memcpy(all, part->iov_base, part->iov_len);
    return syscall(SYS_ptrace, PTRACE_SETREGSET, pid, NT_X86_XSTATE, &whole);
}

long ptrace(enum __ptrace_request request, ...)
{
    static long (*next)(enum __ptrace_request, ...);
    va_list rest;
    va_start(rest, request);
    pid_t pid = va_arg(rest, pid_t);
    void *address = va_arg(rest, void *);
    void *data = va_arg(rest, void *);
    va_end(rest);
    if (request == PTRACE_SETREGSET && address == (void *)NT_X86_XSTATE)
        return set_registers(pid, data);
    if (!next)
        next = (long (*)(enum __ptrace_request, ...))dlsym(RTLD_NEXT, "ptrace");
    return next(request, pid, address, data);
}
