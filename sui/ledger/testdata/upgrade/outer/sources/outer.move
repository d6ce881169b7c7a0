/// Depends on `user` and, by it, on `base`.
module outer::outer;

use user::user;

public fun version_seen(): u64 {
    user::version_seen()
}
