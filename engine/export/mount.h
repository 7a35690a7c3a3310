// SPDX-License-Identifier: Apache-2.0
// An array that other programs read and write: as files in a folder (fuse_mount.h) or, where that
// cannot be had, through a socket in that folder (nbd_mount.h).
//
// Threads: one at a time; the files are read and written from threads of the mount's own.
#pragma once

#include "engine/export/file_tree.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace bitmend {

class Mount
{
public:
    // Ends it, when nobody did before: programs that still use it get errors from then on. Every
    // file is flushed, and a folder that was made goes as well.
    virtual ~Mount() = default;

    virtual const std::filesystem::path& folder() const = 0;
    virtual const std::vector<ExportedFile>& files() const = 0;

    // Where NBD's clients connect; empty: they are files.
    virtual std::filesystem::path socket() const = 0;

    // False when it was ended, by us or by anybody else.
    virtual bool isServing() const = 0;

    // Readable when isServing() may have become false; for poll().
    virtual int endedDescriptor() const = 0;

    // How many files programs have open, or how many clients are connected.
    virtual unsigned openFiles() const = 0;

    // MountBusy while a program uses it. Ended, it may still come to an error: what programs wrote
    // could not be made durable then.
    virtual Result<void> unmount() = 0;
};

// Files when they can be had, or the socket at once.
enum class MountAs : std::uint8_t { FilesIfPossible, Socket };

// `folder` is made when it is not there. `program` names us in the kernel's list of mounts. Errors
// of FuseMount and NbdMount.
Result<std::unique_ptr<Mount>> mountFiles(const std::vector<ExportedFile>& files,
    const std::filesystem::path& folder, const std::string& program, MountAs as);

// Of each file, where NBD clients find it; none when they are files.
std::vector<std::string> addressesOf(const Mount& mount);

// What an export is called: as the file, without ".img".
std::string exportName(const ExportedFile& file);

// "nbd+unix:///photos-part1?socket=/run/user/1000/...", which NBD's clients understand.
std::string nbdAddress(const std::string& name, const std::filesystem::path& socket);

} // namespace bitmend
