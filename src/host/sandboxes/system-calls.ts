/**
 * Which system calls a box refuses, and why: data for the filter (seccomp.ts). The numbers are those of asm/unistd_64.h
 * (x86-64) and asm-generic/unistd.h (arm64); null where an architecture has no such call.
 *
 * * EPERM: a power that a program in a box does not have. ENOSYS: a facility that programs do without where it is
 * missing.
 */

export type Architecture = 'x64' | 'arm64';

export const ERRNO = { EPERM: 1, ENOSYS: 38, EAFNOSUPPORT: 97 } as const;

export interface Refusal {
  why: string;
  errno: keyof typeof ERRNO;
  /** Not refused where an agent debugs programs. */
  debuggers?: true;
  /** Name → number on x86-64 and on arm64. */
  calls: Record<string, readonly [x64: number | null, arm64: number | null]>;
}

export const refusals: readonly Refusal[] = [
  {
    why: 'reads, changes and steers another process: the engine, which decides what may run',
    errno: 'EPERM',
    debuggers: true,
    calls: {
      ptrace: [101, 117],
      process_vm_readv: [310, 270],
      process_vm_writev: [311, 271],
    },
  },
  {
    why: "takes or compares another process's open files: the engine's channel to the host; no debugger needs it",
    errno: 'EPERM',
    calls: { pidfd_getfd: [438, 438], kcmp: [312, 272] },
  },
  {
    why: 'does the work of other system calls where no filter sees it',
    errno: 'ENOSYS',
    calls: { io_uring_setup: [425, 425], io_uring_enter: [426, 426], io_uring_register: [427, 427] },
  },
  {
    why: 'makes namespaces by flags in memory, which no filter can read; libraries fall back to clone',
    errno: 'ENOSYS',
    calls: { clone3: [435, 435] },
  },
  {
    why: 'enters the namespaces of another process',
    errno: 'EPERM',
    calls: { setns: [308, 268] },
  },
  {
    why: 'changes what the file system of the box shows, or opens a file by a handle past every directory',
    errno: 'EPERM',
    calls: {
      mount: [165, 40],
      umount2: [166, 39],
      pivot_root: [155, 41],
      chroot: [161, 51],
      move_mount: [429, 429],
      open_tree: [428, 428],
      open_tree_attr: [467, 467],
      fsopen: [430, 430],
      fsconfig: [431, 431],
      fsmount: [432, 432],
      fspick: [433, 433],
      mount_setattr: [442, 442],
      open_by_handle_at: [304, 265],
    },
  },
  {
    why: 'runs code in the kernel or measures other processes; both had many holes',
    errno: 'EPERM',
    calls: { bpf: [321, 280], perf_event_open: [298, 241] },
  },
  {
    why: 'stops the kernel in the middle of a copy, which makes its races easy to win',
    errno: 'ENOSYS',
    calls: { userfaultfd: [323, 282] },
  },
  {
    why: 'keyrings belong to the user and not to a namespace: the keys of the operator are in them',
    errno: 'ENOSYS',
    calls: { add_key: [248, 217], request_key: [249, 218], keyctl: [250, 219] },
  },
  {
    why: 'the log of the kernel shows the whole machine',
    errno: 'EPERM',
    calls: { syslog: [103, 116] },
  },
  {
    why: 'administers the machine: needs a capability that a box does not have; refused without asking the kernel',
    errno: 'EPERM',
    calls: {
      kexec_load: [246, 104],
      kexec_file_load: [320, 294],
      init_module: [175, 105],
      finit_module: [313, 273],
      delete_module: [176, 106],
      reboot: [169, 142],
      swapon: [167, 224],
      swapoff: [168, 225],
      acct: [163, 89],
      quotactl: [179, 60],
      quotactl_fd: [443, 443],
      settimeofday: [164, 170],
      clock_settime: [227, 112],
      sethostname: [170, 161],
      setdomainname: [171, 162],
      iopl: [172, null],
      ioperm: [173, null],
      vhangup: [153, 58],
      lookup_dcookie: [212, 18],
    },
  },
];

/** Calls that are judged by an argument. Only its low 32 bits count, because the kernel drops the others too. */
export const judged = {
  clone: [56, 220],
  unshare: [272, 97],
  ioctl: [16, 29],
  socket: [41, 198],
} as const satisfies Record<string, readonly [x64: number, arm64: number]>;

/**
 * CLONE_NEW*: mounts, cgroup, UTS, IPC, user, pid, net. A new user namespace gives every capability within it, and
 * with them the parts of the kernel that expect an administrator.
 */
export const NAMESPACE_FLAGS = 0x7e020000;
/** CLONE_NEWTIME, a flag of unshare only: for clone these bits are the signal. */
export const TIME_NAMESPACE_FLAG = 0x80;

/** TIOCSTI types into the terminal of the engine, TIOCLINUX pastes into a console. */
export const TERMINAL_REQUESTS = [0x5412, 0x541c];

/**
 * Sockets that a network namespace confines: AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. Others pass it by (AF_VSOCK
 * reaches the machine that runs this one, AF_BLUETOOTH its devices) or are rarely tried parts of the kernel.
 */
export const SOCKET_FAMILIES = [1, 2, 10, 16];
