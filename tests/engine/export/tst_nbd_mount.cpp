// SPDX-License-Identifier: Apache-2.0
// Clients of network block devices side by side: each gets what is there or the right error, what
// it was told is durable is, and one that sends anything at all harms nobody else;
// ThreadSanitizer has nothing to say.
#include "engine/export/nbd_mount.h"
#include "engine/io/faulty_device.h"
#include "tests/engine/export/nbd_client.h"
#include "tests/support/memory_device.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <memory>
#include <random>
#include <thread>

using namespace bitmend;
using namespace bitmend::ondisk;
using namespace bitmend::test;

namespace {

constexpr std::size_t kSize = std::size_t{80} << 20U;
constexpr std::size_t kBlock = 4096;
constexpr std::uint32_t kMiB = 1U << 20U;

struct Scene
{
    std::string top = (std::filesystem::temp_directory_path() / "bitmend-nbd-XXXXXX").string();
    std::string folder;
    std::shared_ptr<MemoryDevice> memory = std::make_shared<MemoryDevice>(kSize);
    std::shared_ptr<FaultyDevice> device = std::make_shared<FaultyDevice>(memory);
    std::shared_ptr<MemoryDevice> readOnly = std::make_shared<MemoryDevice>(kBlock);
    std::unique_ptr<NbdMount> mount;

    Scene()
    {
        EXPECT(::mkdtemp(top.data()) != nullptr);
        folder = top + "/mount";
        begin();
    }
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;
    ~Scene()
    {
        mount.reset();
        std::filesystem::remove_all(top);
    }

    void begin() { mount = std::move(*NbdMount::mount(files(), folder)); }
    std::vector<ExportedFile> files() const
    {
        return {{"disk.img", device, device}, {"evidence.img", readOnly, nullptr}};
    }
    std::string socket() const { return mount->socket(); }

    // Whoever was there before has gone, as far as the server knows.
    void untilFree() const
    {
        while (mount->openFiles() != 0)
            std::this_thread::yield();
    }
};

void whatIsThereIsListedAndDescribed()
{
    const Scene scene;
    const NbdClient client(scene.socket());
    client.greet();
    client.option(NBD_OPT_LIST);
    Bytes last;
    const std::vector<std::uint32_t> list{NBD_REP_SERVER, NBD_REP_SERVER, NBD_REP_ACK};
    EXPECT(client.replies(NBD_OPT_LIST, &last) == list);
    EXPECT(std::string(std::bit_cast<const char*>(last.data()) + 4, last.size() - 4) == "evidence");
    client.option(NBD_OPT_INFO, NbdClient::wish("evidence"));
    EXPECT(client.replies(NBD_OPT_INFO).back() == NBD_REP_ACK);
    // What is not there, is none of ours, or makes no sense, is answered and goes on.
    client.option(NBD_OPT_GO, NbdClient::wish("other"));
    EXPECT(client.replies(NBD_OPT_GO).back() == NBD_REP_ERR_UNKNOWN);
    client.option(5); // NBD_OPT_STARTTLS
    EXPECT(client.replies(5).back() == NBD_REP_ERR_UNSUP);
    client.option(NBD_OPT_GO, Bytes(3));
    EXPECT(client.replies(NBD_OPT_GO).back() == NBD_REP_ERR_INVALID);
    client.option(NBD_OPT_LIST, Bytes(1));
    EXPECT(client.replies(NBD_OPT_LIST).back() == NBD_REP_ERR_INVALID);
    client.option(NBD_OPT_ABORT);
    EXPECT(client.replies(NBD_OPT_ABORT).back() == NBD_REP_ACK && client.isClosed());
}

// Clients of before NBD_OPT_GO; the empty name is the first export.
void olderClientsAreServed()
{
    const Scene scene;
    for (const std::uint32_t flags : {0U, 3U}) {
        const NbdClient client(scene.socket());
        client.greet(flags);
        client.option(NBD_OPT_EXPORT_NAME);
        EXPECT(client.receive<be64>() == kSize);
        const std::uint16_t transmission = client.receive<be16>();
        EXPECT(
            (transmission & NBD_FLAG_HAS_FLAGS) != 0 && (transmission & NBD_FLAG_READ_ONLY) == 0);
        EXPECT(client.receive(flags == 0 ? 124 : 0) == Bytes(flags == 0 ? 124 : 0));
        EXPECT(client.write(7, Bytes(3, std::byte{7})) == 0);
        EXPECT(client.read(7, 3) == Bytes(3, std::byte{7}));
        client.request(NBD_CMD_DISC, 0, 0);
        EXPECT(client.isClosed());
    }
    const NbdClient stranger(scene.socket());
    stranger.greet();
    stranger.option(NBD_OPT_EXPORT_NAME, Bytes(3, std::byte{'x'}));
    EXPECT(stranger.isClosed());
}

void errorsAreThoseOfTheProtocol()
{
    const Scene scene;
    const Bytes block(kBlock, std::byte{1});
    {
        const NbdClient client(scene.socket());
        client.choose("disk");
        scene.device->failReads(kBlock * 490, kBlock * 510, EIO);
        scene.device->failWrites(kBlock * 600, kBlock * 601, ENOSPC);
        scene.device->failFlushes(EIO, 2);
        EXPECT(client.ask(NBD_CMD_READ, kBlock * 500, kBlock) == NBD_EIO);
        EXPECT(client.write(kBlock * 600, block) == NBD_ENOSPC);
        EXPECT(client.ask(NBD_CMD_FLUSH) == NBD_EIO);
        EXPECT(client.write(0, block, NBD_CMD_FLAG_FUA) == NBD_EIO);
        EXPECT(client.write(0, block, NBD_CMD_FLAG_FUA) == 0);
        EXPECT(client.ask(NBD_CMD_FLUSH) == 0);
        // The end, and what wraps round behind it.
        EXPECT(client.ask(NBD_CMD_READ, kSize - 1, 2) == NBD_EINVAL);
        EXPECT(client.ask(NBD_CMD_READ, ~std::uint64_t(0), 2) == NBD_EINVAL);
        EXPECT(client.write(kSize - 1, Bytes(2)) == NBD_ENOSPC);
        EXPECT(client.write(~std::uint64_t(0) - 1, Bytes(2)) == NBD_ENOSPC);
        EXPECT(client.ask(NBD_CMD_READ, 0, 0) == NBD_EINVAL);
        EXPECT(client.ask(NBD_CMD_READ, 0, kNbdLargestPayload + 1) == NBD_EOVERFLOW);
        // What was not offered, or is not known.
        EXPECT(client.ask(NBD_CMD_TRIM, 0, kBlock) == NBD_EINVAL);
        EXPECT(client.ask(7, 0, kBlock) == NBD_EINVAL);
        EXPECT(client.ask(NBD_CMD_READ, 0, kBlock, 1 << 2) == NBD_EINVAL);
        EXPECT(client.ask(NBD_CMD_FLUSH, 1, 0) == NBD_EINVAL);
        EXPECT(client.read(0, kBlock) == block);
    }
    const NbdClient reader(scene.socket());
    reader.choose("evidence");
    EXPECT(reader.write(0, block) == NBD_EPERM);
    EXPECT(reader.ask(NBD_CMD_WRITE_ZEROES, 0, kBlock) == NBD_EPERM);
    EXPECT(reader.ask(NBD_CMD_FLUSH) == 0);
    EXPECT(reader.read(0, kBlock) == Bytes(kBlock));
}

void zeroesAndLargeRequestsArrive()
{
    const Scene scene;
    const NbdClient client(scene.socket());
    client.choose("");
    Bytes large(kNbdLargestPayload);
    std::mt19937_64 random(1);
    std::ranges::generate(large, [&random] { return std::byte(random()); });
    EXPECT(client.write(4097, large) == 0);
    EXPECT(client.read(4097, kNbdLargestPayload) == large);
    EXPECT(client.ask(NBD_CMD_WRITE_ZEROES, 5000, 40 * kMiB, NBD_CMD_FLAG_FUA) == 0);
    EXPECT(client.read(4097, 903) == Bytes(large.begin(), large.begin() + 903));
    EXPECT(client.read(5000, kMiB) == Bytes(kMiB));
    EXPECT(scene.device->counts().flushes == 1);
}

// With a disconnect in the middle, nothing of that write happens.
void halfAWriteIsNone()
{
    Scene scene;
    NbdClient client(scene.socket());
    client.choose("disk");
    client.request(NBD_CMD_WRITE, 0, kBlock);
    client.send(Bytes(kBlock / 2, std::byte{9}));
    client.leave();
    scene.untilFree();
    EXPECT(scene.mount->unmount());
    EXPECT(scene.memory->bytes()[0] == std::byte{});
}

// Each sends garbage from another point on; somebody else goes on meanwhile.
void whoSendsGarbageHarmsOnlyHimself()
{
    const Scene scene;
    const NbdClient other(scene.socket());
    other.choose("disk");
    std::mt19937_64 random(5);
    for (unsigned round = 0; round < 60; ++round) {
        const NbdClient client(scene.socket());
        if (round % 3 == 0) {
            client.greet();
        } else if (round % 3 == 1) {
            client.choose("disk");
        }
        Bytes garbage(random() % 300 + 40);
        std::ranges::generate(garbage, [&random] { return std::byte(random()); });
        client.send(garbage);
        while (!client.isClosed()) {
        }
        EXPECT(other.write(round * kBlock, Bytes(kBlock, std::byte(round))) == 0);
        EXPECT(other.read(round * kBlock, kBlock) == Bytes(kBlock, std::byte(round)));
    }
    const NbdClient greedy(scene.socket());
    greedy.choose("disk");
    greedy.request(NBD_CMD_WRITE, 0, kNbdLargestPayload + 1);
    EXPECT(greedy.isClosed());
    const NbdClient talker(scene.socket());
    talker.greet();
    talker.send(OptionHead{IHAVEOPT, NBD_OPT_LIST, kNbdLargestOption + 1});
    EXPECT(talker.isClosed());
}

// Whatever is asked without waiting for the replies is answered once each, in any order.
void requestsOfOneClientGoSideBySide()
{
    const Scene scene;
    const NbdClient client(scene.socket());
    client.choose("disk");
    constexpr std::uint64_t kRequests = 400;
    std::jthread sender([&client] {
        for (std::uint64_t i = 0; i < kRequests; ++i) {
            client.request(NBD_CMD_WRITE, i * kBlock, kBlock, 0, i);
            client.send(Bytes(kBlock, std::byte(i)));
        }
    });
    std::vector<bool> answered(kRequests);
    for (std::uint64_t i = 0; i < kRequests; ++i) {
        const auto reply = client.receive<SimpleReply>();
        EXPECT(reply.error == 0 && reply.handle < kRequests && !answered[reply.handle]);
        answered[reply.handle] = true;
    }
    sender.join();
    for (std::uint64_t i = 0; i < kRequests; ++i)
        EXPECT(client.read(i * kBlock, kBlock) == Bytes(kBlock, std::byte(i)));
}

void clientsReadAndWriteSideBySide()
{
    const Scene scene;
    std::vector<std::jthread> clients;
    constexpr unsigned kClients = 4;
    for (unsigned number = 0; number < kClients; ++number) {
        clients.emplace_back([&scene, number] {
            std::mt19937_64 random(number);
            const NbdClient client(scene.socket());
            client.choose("disk");
            for (int round = 0; round < 100; ++round) {
                const auto at = (random() % 1000 * kClients + number) * kBlock;
                const Bytes bytes(kBlock, std::byte(random()));
                EXPECT(client.write(at, bytes, round % 7 == 0 ? NBD_CMD_FLAG_FUA : 0) == 0);
                EXPECT(client.read(at, kBlock) == bytes);
            }
        });
    }
}

void whileAClientIsThereItIsNotEnded()
{
    Scene scene;
    NbdClient client(scene.socket());
    const NbdClient undecided(scene.socket()); // has chosen nothing, and keeps nobody waiting
    client.choose("disk");
    const auto busy = scene.mount->unmount();
    EXPECT(!busy && busy.error().code == ErrorCode::MountBusy);
    EXPECT(scene.mount->isServing() && scene.mount->openFiles() == 1);
    EXPECT(client.write(0, Bytes(1, std::byte{'b'})) == 0);
    client.leave();
    scene.device->failFlushes(EIO, 1);
    const auto ended = scene.mount->unmount();
    EXPECT(!ended && ended.error().code == ErrorCode::Io);
    EXPECT(!scene.mount->isServing() && scene.mount->unmount());
    scene.mount.reset();
    EXPECT(!std::filesystem::exists(scene.folder));
    EXPECT(scene.memory->bytes()[0] == std::byte{'b'});
}

// Ended at any price: what was asked for is answered, and then it is over. One that takes no
// replies is not waited for.
void whoIsThereWhenItEndsIsSentAway()
{
    Scene scene;
    const NbdClient client(scene.socket());
    const NbdClient deaf(scene.socket());
    client.choose("disk");
    deaf.choose("disk");
    for (unsigned i = 0; i < 8; ++i)
        deaf.request(NBD_CMD_READ, 0, kNbdLargestPayload);
    EXPECT(client.write(0, Bytes(1, std::byte{'e'})) == 0);
    scene.mount.reset();
    EXPECT(client.isClosed());
    EXPECT(scene.memory->bytes()[0] == std::byte{'e'});
}

void onlyTheOwnerReachesIt()
{
    const Scene scene;
    struct stat status{};
    EXPECT(::stat(scene.folder.c_str(), &status) == 0 && (status.st_mode & 0777U) == 0700);
    EXPECT(::stat(scene.socket().c_str(), &status) == 0 && (status.st_mode & 0777U) == 0600);
}

void whatIsInUseIsLeftAloneAndWhatWasLeftBehindGoes()
{
    Scene scene;
    const auto refused = [&scene](const std::string& folder, ErrorCode code) {
        const auto mounted = NbdMount::mount(scene.files(), folder);
        return !mounted && mounted.error().code == code;
    };
    EXPECT(refused(scene.folder, ErrorCode::FolderInUse));
    EXPECT(refused(scene.top, ErrorCode::FolderInUse));
    EXPECT(refused(scene.top + "/a/b", ErrorCode::CannotMount));
    EXPECT(refused(scene.top + "/" + std::string(100, 'l'), ErrorCode::CannotMount));
    EXPECT(!std::filesystem::exists(scene.top + "/" + std::string(100, 'l')));
    EXPECT(nbdServerIn(scene.folder) == ::getpid() && !removeLeftSocket(scene.folder));
    scene.mount.reset();

    // A program that dies leaves its socket.
    for (const bool again : {true, false}) {
        const auto child = ::fork();
        if (child == 0) {
            const auto socket = NbdSocket::listenIn(scene.folder);
            std::_Exit(socket ? 0 : 1);
        }
        int status = -1;
        EXPECT(::waitpid(child, &status, 0) == child && status == 0);
        EXPECT(hasNbdSocket(scene.folder) && !nbdServerIn(scene.folder));
        if (again) {
            scene.begin();
            EXPECT(nbdServerIn(scene.folder) == ::getpid());
            scene.mount.reset();
        } else {
            EXPECT(removeLeftSocket(scene.folder) && !hasNbdSocket(scene.folder));
        }
    }
}

} // namespace

int main()
{
    whatIsThereIsListedAndDescribed();
    olderClientsAreServed();
    errorsAreThoseOfTheProtocol();
    zeroesAndLargeRequestsArrive();
    halfAWriteIsNone();
    whoSendsGarbageHarmsOnlyHimself();
    requestsOfOneClientGoSideBySide();
    clientsReadAndWriteSideBySide();
    whileAClientIsThereItIsNotEnded();
    whoIsThereWhenItEndsIsSentAway();
    onlyTheOwnerReachesIt();
    whatIsInUseIsLeftAloneAndWhatWasLeftBehindGoes();
}
