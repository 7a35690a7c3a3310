// SPDX-License-Identifier: Apache-2.0
#include "ui/words_mounts.h"

#include "ui/phrase.h"

#include <cerrno>

namespace bitmend {

namespace {

Phrase cannotMount(const Error& error, const std::string& why)
{
    if (error.sysErrno == EACCES || error.sysErrno == EPERM) {
        return phrase("%1 cannot be mounted on: without the program fusermount3 only root may do "
                      "that. Install the package fuse3, or name a folder of your own.",
            error.where);
    }
    if (error.sysErrno == ENAMETOOLONG) {
        return phrase("A socket in %1 cannot be connected to: its path is longer than the system "
                      "allows. Name a folder with a shorter path.",
            error.where);
    }
    return phrase(
        "%1 cannot be mounted on: %2. Name another folder and try again.", error.where, why);
}

Phrase cannotUnmount(const Error& error, const std::string& why)
{
    if (!error.who.empty()) {
        return phrase("%1 is served by %2, which does not end it when it is asked from here. End "
                      "it there: in Bitmend's window, or by a signal to that process.",
            error.where, error.who);
    }
    if (error.sysErrno == EPERM) {
        return phrase("%1 stays mounted: without the program fusermount3 only root may unmount it. "
                      "Install the package fuse3, or end the program that serves it.",
            error.where);
    }
    return phrase("%1 cannot be unmounted: %2. It stays as it is.", error.where, why);
}

} // namespace

Phrase aboutMount(const Error& error, const std::string& why)
{
    switch (error.code) {
    case ErrorCode::NoFuse:
        return phrase("This computer has no FUSE, so nothing can be mounted. Load the kernel's "
                      "module (modprobe fuse), or copy the contents out instead.");
    case ErrorCode::CannotMount:
        return cannotMount(error, why);
    case ErrorCode::FolderInUse:
        return phrase("%1 cannot be mounted on: something is mounted there already, or it is not "
                      "an empty folder. Name another one.",
            error.where);
    case ErrorCode::MountBusy:
        return phrase("%1 is still in use. Close the programs that have a file in it open or are "
                      "connected to it, then try again.",
            error.where);
    case ErrorCode::CannotUnmount:
        return cannotUnmount(error, why);
    case ErrorCode::ServerLost:
        return phrase("The program that served %1 ended before it had made the array clean. What "
                      "other programs had flushed is there. Scan the array to see what is due.",
            error.where);
    case ErrorCode::NotMounted:
        return phrase("Nothing of Bitmend is mounted at %1.", error.where);
    default:
        return {};
    }
}

} // namespace bitmend
