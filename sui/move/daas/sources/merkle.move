/// Placeholder until helper M2's module is merged from main.
module k3s_daas::merkle;

public fun empty_root(): vector<u8> { std::hash::sha2_256(vector[]) }

public fun leaf_hash(_leaf: vector<u8>): vector<u8> { abort 0 }

public fun assert_inclusion(_l: vector<u8>, _i: u64, _s: u64, _r: vector<u8>, _p: vector<vector<u8>>) { abort 0 }

public fun assert_consistency(_o: u64, _or: vector<u8>, _n: u64, _nr: vector<u8>, _p: vector<vector<u8>>) { abort 0 }
