/// A policy for tests: whoever is on the list may have the keys of identities that begin with the
/// list's id.
module policy::allow_list;

const ENoAccess: u64 = 1;

public struct AllowList has key {
    id: UID,
    members: vector<address>,
}

public fun create(members: vector<address>, ctx: &mut TxContext) {
    transfer::share_object(AllowList { id: object::new(ctx), members });
}

public fun remove(list: &mut AllowList, member: address) {
    let (found, index) = list.members.index_of(&member);
    if (found) { list.members.remove(index); };
}

entry fun seal_approve(id: vector<u8>, list: &AllowList, ctx: &TxContext) {
    let prefix = list.id.to_bytes();
    let mut i = 0;
    assert!(id.length() >= prefix.length(), ENoAccess);
    while (i < prefix.length()) {
        assert!(prefix[i] == id[i], ENoAccess);
        i = i + 1;
    };
    assert!(list.members.contains(&ctx.sender()), ENoAccess);
}
