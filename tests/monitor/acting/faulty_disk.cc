#include "tests/monitor/acting/faulty_disk.h"

#include <cerrno>
#include <cstring>
#include <new>
#include <optional>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/check.h"

namespace belay::test {
namespace {

// A shim as SQLite's documentation describes: every file is ours in front and the real one behind.
struct File {
  sqlite3_file base;
  sqlite3_file* real;
};

struct State {
  sqlite3_vfs vfs{};
  sqlite3_vfs* real = nullptr;
  int calls = 0;
  int failing = 0;
  bool for_good = false;
  std::optional<std::filesystem::path> full_unless_gone;
};
State disk;

sqlite3_file* real_of(sqlite3_file* file) { return reinterpret_cast<File*>(file)->real; }

bool fails_now() {
  ++disk.calls;
  if (disk.failing == 0) return false;
  return disk.for_good ? disk.calls >= disk.failing : disk.calls == disk.failing;
}

int close_file(sqlite3_file* file) {
  sqlite3_file* const real = real_of(file);
  const int code = real->pMethods->xClose(real);
  ::operator delete(real);
  return code;
}
int read_file(sqlite3_file* file, void* to, int bytes, sqlite3_int64 from) {
  return real_of(file)->pMethods->xRead(real_of(file), to, bytes, from);
}
int write_file(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 to) {
  if (fails_now()) return SQLITE_IOERR_WRITE;
  if (disk.full_unless_gone && std::filesystem::exists(*disk.full_unless_gone)) {
    sqlite3_int64 size = 0;
    real_of(file)->pMethods->xFileSize(real_of(file), &size);
    if (to + bytes > size) return SQLITE_FULL;
  }
  return real_of(file)->pMethods->xWrite(real_of(file), from, bytes, to);
}
int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  return real_of(file)->pMethods->xTruncate(real_of(file), size);
}
int sync_file(sqlite3_file* file, int flags) {
  if (fails_now()) return SQLITE_IOERR_FSYNC;
  return real_of(file)->pMethods->xSync(real_of(file), flags);
}
int size_of_file(sqlite3_file* file, sqlite3_int64* size) {
  return real_of(file)->pMethods->xFileSize(real_of(file), size);
}
int lock_file(sqlite3_file* file, int level) {
  return real_of(file)->pMethods->xLock(real_of(file), level);
}
int unlock_file(sqlite3_file* file, int level) {
  return real_of(file)->pMethods->xUnlock(real_of(file), level);
}
int check_lock(sqlite3_file* file, int* answer) {
  return real_of(file)->pMethods->xCheckReservedLock(real_of(file), answer);
}
int control_file(sqlite3_file* file, int operation, void* argument) {
  return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}
int sector_size(sqlite3_file* file) { return real_of(file)->pMethods->xSectorSize(real_of(file)); }
int characteristics(sqlite3_file* file) {
  return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

// Version 1: without shared memory, which an exclusive WAL must not need.
constexpr sqlite3_io_methods kMethods = {
    1,         close_file,  read_file,  write_file,   truncate_file, sync_file,      size_of_file,
    lock_file, unlock_file, check_lock, control_file, sector_size,   characteristics};

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto* const ours = reinterpret_cast<File*>(file);
  const auto bytes = static_cast<std::size_t>(disk.real->szOsFile);
  ours->real = static_cast<sqlite3_file*>(::operator new(bytes));
  std::memset(static_cast<void*>(ours->real), 0, bytes);
  const int code = disk.real->xOpen(disk.real, name, ours->real, flags, out_flags);
  if (code == SQLITE_OK) {
    ours->base.pMethods = &kMethods;
  } else {
    ours->base.pMethods = nullptr;
    ::operator delete(ours->real);
  }
  return code;
}

}  // namespace
}  // namespace belay::test

// In place of the C library's: no space is to be had on a disk that is full.
extern "C" int posix_fallocate(int file, off_t from, off_t bytes) {
  struct stat facts {};
  if (belay::test::disk.full_unless_gone) {
    return ::fstat(file, &facts) == 0 && facts.st_size >= from + bytes ? 0 : ENOSPC;
  }
  return ::fallocate(file, 0, from, bytes) == 0 ? 0 : errno;
}

namespace belay::test {

FaultyDisk::FaultyDisk() {
  disk = State{};
  disk.real = sqlite3_vfs_find(nullptr);
  BELAY_CHECK(disk.real != nullptr, "SQLite has no disk");
  disk.vfs = *disk.real;
  disk.vfs.pNext = nullptr;
  disk.vfs.szOsFile = sizeof(File);
  disk.vfs.zName = "faulty";
  disk.vfs.xOpen = open_file;
  sqlite3_vfs_register(&disk.vfs, /*makeDflt=*/1);
}

FaultyDisk::~FaultyDisk() {
  empty();
  sqlite3_vfs_unregister(&disk.vfs);
  sqlite3_vfs_register(disk.real, /*makeDflt=*/1);
}

int FaultyDisk::calls() const { return disk.calls; }

void FaultyDisk::fail_call(int number, bool for_good) {
  disk.failing = number;
  disk.for_good = for_good;
}

void FaultyDisk::fill(const std::filesystem::path& unless_gone) {
  disk.full_unless_gone = unless_gone;
}

void FaultyDisk::empty() { disk.full_unless_gone.reset(); }

}  // namespace belay::test
