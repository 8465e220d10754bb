#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include <sys/types.h>

#include "base/result.h"

namespace belay::monitor {

/// One open log file and how far it has been read. Which file it is, device and inode say; whether
/// it is still the same one in there, its size and its first bytes.
class FollowedFile {
 public:
  enum class Where { beginning, last_line };
  /// Fails for what is not there, may not be read, or is no regular file.
  static Result<FollowedFile> open(const std::filesystem::path& path, Where where);
  FollowedFile(FollowedFile&& other) noexcept;
  FollowedFile& operator=(FollowedFile&& other) noexcept;
  ~FollowedFile();

  struct Chunk {
    std::size_t bytes = 0;  ///< None at the end, for now.
    bool is_anew = false;   ///< The file was truncated or written anew, and is read from its
                            ///< beginning from now on.
  };
  Result<Chunk> read(char* buffer, std::size_t bytes_max);

  /// The last `bytes` of what was read are to be read again.
  void give_back(std::size_t bytes) { offset_ -= static_cast<off_t>(bytes); }
  /// Whether there is something behind what was read.
  [[nodiscard]] bool has_more() const;

  /// Whether that is what `path` leads to.
  [[nodiscard]] bool is_same(dev_t device, ino_t inode) const;
  [[nodiscard]] dev_t device() const { return device_; }
  [[nodiscard]] ino_t inode() const { return inode_; }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  FollowedFile() = default;
  [[nodiscard]] bool is_rewritten() const;
  void begin_anew();
  void learn_head();
  void learn_head(const char* read, std::size_t bytes);
  int fd_ = -1;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  off_t offset_ = 0;
  std::string head_;  ///< The first bytes, as far as the file has been read or skipped.
};

}  // namespace belay::monitor
