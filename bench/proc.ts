/** Kernels for which Linux runs have had this for decades (USER_HZ, proc(5)). */
const TICKS_PER_SECOND = 100;
const UTIME = 11;
const STIME = 12;

/**
 * User and system time of a process from its `/proc/PID/stat`.
 * The second field is the program's name in brackets and may itself hold blanks and brackets.
 */
export function cpuSecondsOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[UTIME]) + Number(fields[STIME])) / TICKS_PER_SECOND;
}
