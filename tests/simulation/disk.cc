#include "tests/simulation/disk.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <string_view>

#include <sqlite3.h>
#include <sys/stat.h>

#include "base/check.h"

namespace belay::simulation {
namespace {

constexpr std::size_t kSectorBytes = 512;

}  // namespace

struct Disk::Registration {
  sqlite3_vfs vfs{};
  sqlite3_vfs* before = nullptr;
};

/// What SQLite calls. Each goes to the disk of its file.
struct DiskCalls {
  /// One open file, as SQLite knows it.
  struct OpenFile {
    sqlite3_file base;
    Disk* disk;
    std::shared_ptr<Disk::File>* file;
  };
  static OpenFile& open(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file); }
  static Disk& disk_of(sqlite3_vfs* vfs) { return *static_cast<Disk*>(vfs->pAppData); }

  static int close(sqlite3_file* file) {
    delete open(file).file;
    return SQLITE_OK;
  }
  static int read(sqlite3_file* file, void* to, int bytes, sqlite3_int64 from) {
    if (open(file).disk->is_dead_) return SQLITE_IOERR_READ;
    const std::vector<std::uint8_t>& now = (*open(file).file)->now;
    const auto wanted = static_cast<std::size_t>(bytes);
    const auto begin = std::min(static_cast<std::size_t>(from), now.size());
    const std::size_t there = std::min(wanted, now.size() - begin);
    auto* const out = static_cast<std::uint8_t*>(to);
    std::copy_n(now.begin() + static_cast<std::ptrdiff_t>(begin), there, out);
    std::fill_n(out + there, wanted - there, std::uint8_t{0});
    return there == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
  }
  static int write(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 to) {
    Disk& disk = *open(file).disk;
    Disk::File& content = **open(file).file;
    if (disk.is_dead_) return SQLITE_IOERR_WRITE;
    const auto end = static_cast<std::size_t>(to) + static_cast<std::size_t>(bytes);
    switch (disk.decide_ ? disk.decide_(false) : Disk::Fate::works) {
      case Disk::Fate::works:
        break;
      case Disk::Fate::fails:
        return SQLITE_IOERR_WRITE;
      case Disk::Fate::is_full:
        if (end > content.now.size()) return SQLITE_FULL;
        break;
      case Disk::Fate::kills:
        disk.kill();
        return SQLITE_IOERR_WRITE;
    }
    disk.write(content, static_cast<const std::uint8_t*>(from), static_cast<std::size_t>(bytes),
               static_cast<std::size_t>(to));
    return SQLITE_OK;
  }
  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    if (open(file).disk->is_dead_) return SQLITE_IOERR_TRUNCATE;
    Disk::File& content = **open(file).file;
    content.now.resize(static_cast<std::size_t>(size));
    const std::size_t sectors = (content.now.size() + kSectorBytes - 1) / kSectorBytes;
    content.dirty.erase(content.dirty.lower_bound(sectors), content.dirty.end());
    content.doomed.erase(content.doomed.lower_bound(sectors), content.doomed.end());
    return SQLITE_OK;
  }
  static int sync(sqlite3_file* file, int /*flags*/) {
    Disk& disk = *open(file).disk;
    Disk::File& content = **open(file).file;
    if (disk.is_dead_) return SQLITE_IOERR_FSYNC;
    switch (disk.decide_ ? disk.decide_(true) : Disk::Fate::works) {
      case Disk::Fate::works:
      case Disk::Fate::is_full:
        Disk::sync(content);
        return SQLITE_OK;
      case Disk::Fate::fails:
        Disk::fail_sync(content);
        return SQLITE_IOERR_FSYNC;
      case Disk::Fate::kills:
        disk.kill();
        return SQLITE_IOERR_FSYNC;
    }
    return SQLITE_OK;
  }
  static int size(sqlite3_file* file, sqlite3_int64* bytes) {
    *bytes = static_cast<sqlite3_int64>((*open(file).file)->now.size());
    return SQLITE_OK;
  }
  // One process at a time, which the state's own lock sees to.
  static int lock(sqlite3_file* /*file*/, int /*level*/) { return SQLITE_OK; }
  static int check_lock(sqlite3_file* /*file*/, int* is_held) {
    *is_held = 0;
    return SQLITE_OK;
  }
  static int control(sqlite3_file* /*file*/, int operation, void* argument) {
    if (operation != SQLITE_FCNTL_MMAP_SIZE) return SQLITE_NOTFOUND;
    *static_cast<sqlite3_int64*>(argument) = 0;
    return SQLITE_OK;
  }
  static int sector_bytes(sqlite3_file* /*file*/) { return static_cast<int>(kSectorBytes); }
  static int characteristics(sqlite3_file* /*file*/) { return 0; }

  static int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags,
                       int* out_flags) {
    Disk& disk = disk_of(vfs);
    file->pMethods = nullptr;
    if (disk.is_dead_) return SQLITE_CANTOPEN;
    if (name != nullptr) disk.forget_replaced(name);
    std::shared_ptr<Disk::File> nameless = std::make_shared<Disk::File>();
    std::shared_ptr<Disk::File>& found = name == nullptr ? nameless : disk.files_[name];
    if (!found) found = std::make_shared<Disk::File>();
    open(file).disk = &disk;
    open(file).file = new std::shared_ptr<Disk::File>(found);
    file->pMethods = &kMethods;
    if (out_flags != nullptr) *out_flags = flags;
    return SQLITE_OK;
  }
  static int remove(sqlite3_vfs* vfs, const char* name, int /*sync*/) {
    if (disk_of(vfs).is_dead_) return SQLITE_IOERR_DELETE;
    return disk_of(vfs).files_.erase(name) > 0 ? SQLITE_OK : SQLITE_IOERR_DELETE_NOENT;
  }
  static int access(sqlite3_vfs* vfs, const char* name, int /*flags*/, int* is_there) {
    const auto found = disk_of(vfs).files_.find(name);
    *is_there = found != disk_of(vfs).files_.end() && !found->second->now.empty() ? 1 : 0;
    return SQLITE_OK;
  }
  static int full_name(sqlite3_vfs* /*vfs*/, const char* name, int bytes_max, char* out) {
    const std::string_view text = name;
    if (text.size() + 1 > static_cast<std::size_t>(bytes_max)) return SQLITE_CANTOPEN;
    std::memcpy(out, name, text.size() + 1);
    return SQLITE_OK;
  }
  static int randomness(sqlite3_vfs* vfs, int bytes, char* out) {
    for (int i = 0; i < bytes; ++i) out[i] = static_cast<char>(disk_of(vfs).chance_.next());
    return bytes;
  }

  // Version 1: without shared memory, which an exclusive WAL must not need.
  static constexpr sqlite3_io_methods kMethods = {
      1,    close, read,       write,   truncate,     sync,           size,
      lock, lock,  check_lock, control, sector_bytes, characteristics};
};

Disk::Disk() : registration_(std::make_unique<Registration>()) {
  registration_->before = sqlite3_vfs_find(nullptr);
  BELAY_CHECK(registration_->before != nullptr, "SQLite has no disk");
  sqlite3_vfs& vfs = registration_->vfs;
  vfs = *registration_->before;
  vfs.pNext = nullptr;
  vfs.pAppData = this;
  vfs.szOsFile = sizeof(DiskCalls::OpenFile);
  vfs.zName = "simulated";
  vfs.xOpen = DiskCalls::open_file;
  vfs.xDelete = DiskCalls::remove;
  vfs.xAccess = DiskCalls::access;
  vfs.xFullPathname = DiskCalls::full_name;
  vfs.xRandomness = DiskCalls::randomness;
  sqlite3_vfs_register(&vfs, /*makeDflt=*/1);
}

Disk::~Disk() {
  sqlite3_vfs_unregister(&registration_->vfs);
  sqlite3_vfs_register(registration_->before, /*makeDflt=*/1);
}

void Disk::begin(Seeded chance, Decide decide) {
  files_.clear();
  inodes_.clear();
  chance_ = chance;
  decide_ = std::move(decide);
  is_dead_ = false;
  sqlite3_randomness(0, nullptr);  // It asks us for a new seed.
}

void Disk::forget_replaced(const std::string& name) {
  struct stat facts {};
  if (::stat(name.c_str(), &facts) != 0) return;
  const auto [known, is_new] = inodes_.try_emplace(name, facts.st_ino);
  if (is_new || known->second == facts.st_ino) return;
  known->second = facts.st_ino;
  // What SQLite keeps beside a file is moved with it.
  std::erase_if(files_, [&](const auto& file) { return file.first.starts_with(name); });
}

void Disk::write(File& file, const std::uint8_t* from, std::size_t bytes, std::size_t at) {
  if (file.now.size() < at + bytes) file.now.resize(at + bytes);
  std::copy_n(from, bytes, file.now.begin() + static_cast<std::ptrdiff_t>(at));
  for (std::size_t sector = at / kSectorBytes; sector * kSectorBytes < at + bytes; ++sector) {
    file.dirty.insert(sector);
    file.doomed.erase(sector);
  }
}

namespace {

/// One sector as `from` has it.
void copy_sector(std::size_t sector, const std::vector<std::uint8_t>& from,
                 std::vector<std::uint8_t>& to) {
  const std::size_t begin = sector * kSectorBytes;
  if (begin >= from.size()) return;
  const std::size_t end = std::min(from.size(), begin + kSectorBytes);
  if (to.size() < end) to.resize(end);
  std::copy(from.begin() + static_cast<std::ptrdiff_t>(begin),
            from.begin() + static_cast<std::ptrdiff_t>(end),
            to.begin() + static_cast<std::ptrdiff_t>(begin));
}

}  // namespace

void Disk::sync(File& file) {
  for (const std::size_t sector : file.dirty)
    if (!file.doomed.contains(sector)) copy_sector(sector, file.now, file.synced);
  file.dirty = file.doomed;
  if (file.doomed.empty() && file.synced.size() > file.now.size())
    file.synced.resize(file.now.size());
}

void Disk::fail_sync(File& file) {
  // As Linux does: the pages count as clean, and nobody writes them any more.
  file.doomed.insert(file.dirty.begin(), file.dirty.end());
}

void Disk::revive(bool is_power_lost) {
  is_dead_ = false;
  if (!is_power_lost) return;
  const double kept = chance_.chance(0.3) ? 0.0 : chance_.unit();
  for (auto& [name, file] : files_) {
    for (const std::size_t sector : file->dirty)
      if (!file->doomed.contains(sector) && chance_.chance(kept))
        copy_sector(sector, file->now, file->synced);
    file->now = file->synced;
    file->dirty.clear();
    file->doomed.clear();
  }
}

bool Disk::has_durably(const std::string& intent) const {
  // The bytes themselves are asked, not SQLite that wrote them: a copy of what was synced, on a
  // disk of its own.
  Disk copy;
  std::string journal;
  for (const auto& [name, file] : files_) {
    auto synced = std::make_shared<File>();
    synced->now = file->synced;
    synced->synced = file->synced;
    copy.files_[name] = std::move(synced);
    if (name.ends_with("journal.db")) journal = name;
  }
  if (journal.empty()) return false;
  sqlite3* connection = nullptr;
  sqlite3_stmt* statement = nullptr;
  bool is_there = false;
  if (sqlite3_open_v2(journal.c_str(), &connection, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK &&
      sqlite3_exec(connection, "PRAGMA locking_mode = EXCLUSIVE", nullptr, nullptr, nullptr) ==
          SQLITE_OK &&
      sqlite3_prepare_v2(connection, "SELECT 1 FROM entries WHERE kind = 'intent' AND intent = ?",
                         -1, &statement, nullptr) == SQLITE_OK) {
    sqlite3_bind_text(statement, 1, intent.c_str(), -1, SQLITE_STATIC);
    is_there = sqlite3_step(statement) == SQLITE_ROW;
  }
  sqlite3_finalize(statement);
  sqlite3_close_v2(connection);
  return is_there;
}

}  // namespace belay::simulation
