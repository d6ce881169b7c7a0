/// The cases of core/vectors/merkle.json, each as a test. Made by core/vectors/merkle-move.ts; core/merkle.test.ts
/// compares, so that the two files cannot drift apart.
#[test_only]
module k3s_daas::merkle_vectors;

use k3s_daas::merkle;

public fun leaves(): vector<vector<u8>> {
    vector[
        x"",
        x"00",
        x"10",
        x"2021",
        x"3031",
        x"40414243",
        x"5051525354555657",
        x"606162636465666768696a6b6c6d6e6f",
    ]
}

public fun leaf_hashes(): vector<vector<u8>> {
    vector[
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
        x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        x"46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1",
    ]
}

public fun roots(): vector<vector<u8>> {
    vector[
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        x"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
}

#[test]
fun inclusion_leaf_0_of_1() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        vector[],
    )
}

#[test]
fun inclusion_leaf_0_of_2() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        2,
        x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        ],
    )
}

#[test]
fun inclusion_leaf_1_of_2() {
    merkle::assert_inclusion(
        x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        1,
        2,
        x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        vector[
            x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        ],
    )
}

#[test]
fun inclusion_leaf_0_of_3() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        ],
    )
}

#[test]
fun inclusion_leaf_1_of_3() {
    merkle::assert_inclusion(
        x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        1,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        ],
    )
}

#[test]
fun inclusion_leaf_2_of_3() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test]
fun inclusion_leaf_0_of_4() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        ],
    )
}

#[test]
fun inclusion_leaf_1_of_4() {
    merkle::assert_inclusion(
        x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        1,
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        vector[
            x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        ],
    )
}

#[test]
fun inclusion_leaf_2_of_4() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        vector[
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test]
fun inclusion_leaf_3_of_4() {
    merkle::assert_inclusion(
        x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
        3,
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test]
fun inclusion_leaf_0_of_5() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        5,
        x"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    )
}

#[test]
fun inclusion_leaf_1_of_5() {
    merkle::assert_inclusion(
        x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        1,
        5,
        x"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        vector[
            x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    )
}

#[test]
fun inclusion_leaf_2_of_5() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        5,
        x"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        vector[
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    )
}

#[test]
fun inclusion_leaf_3_of_5() {
    merkle::assert_inclusion(
        x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
        3,
        5,
        x"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    )
}

#[test]
fun inclusion_leaf_4_of_5() {
    merkle::assert_inclusion(
        x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        4,
        5,
        x"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        vector[
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test]
fun inclusion_leaf_0_of_6() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        ],
    )
}

#[test]
fun inclusion_leaf_1_of_6() {
    merkle::assert_inclusion(
        x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        1,
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        vector[
            x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        ],
    )
}

#[test]
fun inclusion_leaf_2_of_6() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        vector[
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        ],
    )
}

#[test]
fun inclusion_leaf_3_of_6() {
    merkle::assert_inclusion(
        x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
        3,
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        ],
    )
}

#[test]
fun inclusion_leaf_4_of_6() {
    merkle::assert_inclusion(
        x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        4,
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        vector[
            x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test]
fun inclusion_leaf_5_of_6() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test]
fun inclusion_leaf_0_of_7() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test]
fun inclusion_leaf_1_of_7() {
    merkle::assert_inclusion(
        x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        1,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test]
fun inclusion_leaf_2_of_7() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test]
fun inclusion_leaf_3_of_7() {
    merkle::assert_inclusion(
        x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
        3,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test]
fun inclusion_leaf_4_of_7() {
    merkle::assert_inclusion(
        x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        4,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test]
fun inclusion_leaf_5_of_7() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test]
fun inclusion_leaf_6_of_7() {
    merkle::assert_inclusion(
        x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        6,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test]
fun inclusion_leaf_0_of_8() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test]
fun inclusion_leaf_1_of_8() {
    merkle::assert_inclusion(
        x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        1,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test]
fun inclusion_leaf_2_of_8() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test]
fun inclusion_leaf_3_of_8() {
    merkle::assert_inclusion(
        x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
        3,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test]
fun inclusion_leaf_4_of_8() {
    merkle::assert_inclusion(
        x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        4,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test]
fun inclusion_leaf_5_of_8() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test]
fun inclusion_leaf_6_of_8() {
    merkle::assert_inclusion(
        x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        6,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1",
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test]
fun inclusion_leaf_7_of_8() {
    merkle::assert_inclusion(
        x"46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1",
        7,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_0_of_1_extra_first() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        vector[
            x"c8dee78f8c7b466c881847accc196998bad00e2b96c5ef913dfbe454d3807c96",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_0_of_1_extra_last() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        vector[
            x"c8dee78f8c7b466c881847accc196998bad00e2b96c5ef913dfbe454d3807c96",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_0_of_1_leaf_hash_flipped() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa09d",
        0,
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_0_of_1_leaf_hash_short() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa0",
        0,
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_0_of_1_leaf_hash_long() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d00",
        0,
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_0_of_1_leaf_hash_absent() {
    merkle::assert_inclusion(
        x"",
        0,
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_0_of_1_root_flipped() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa09d",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_0_of_1_root_short() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa0",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_0_of_1_root_long() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d00",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_0_of_1_root_absent() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        1,
        x"",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_0_of_1_of_a_leaf_not_hashed() {
    merkle::assert_inclusion(
        x"",
        0,
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun inclusion_leaf_0_of_1_index_next() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        1,
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun inclusion_leaf_0_of_1_index_size() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        1,
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun inclusion_leaf_0_of_1_index_max() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        18446744073709551615,
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun inclusion_leaf_0_of_1_size_zero() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        0,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun inclusion_leaf_0_of_1_size_index() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        0,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_0_of_1_size_double() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        2,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_0_of_1_size_max() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        18446744073709551615,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_2_of_3_flipped_bit_in_0() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"f2c54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_2_of_3_missing_0() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_2_of_3_extra_first() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"c8dee78f8c7b466c881847accc196998bad00e2b96c5ef913dfbe454d3807c96",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_2_of_3_extra_last() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"c8dee78f8c7b466c881847accc196998bad00e2b96c5ef913dfbe454d3807c96",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_2_of_3_empty_proof() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_2_of_3_repeated_last() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_2_of_3_short_node() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c1",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_2_of_3_long_node() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c12500",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_2_of_3_zero_length_node() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_2_of_3_leaf_hash_flipped() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7f67",
        2,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_2_of_3_leaf_hash_short() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7f",
        2,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_2_of_3_leaf_hash_long() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe700",
        2,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_2_of_3_leaf_hash_absent() {
    merkle::assert_inclusion(
        x"",
        2,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_2_of_3_root_flipped() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06ef7",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_2_of_3_root_short() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_2_of_3_root_long() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e7700",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_2_of_3_root_absent() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        3,
        x"",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_2_of_3_of_a_leaf_not_hashed() {
    merkle::assert_inclusion(
        x"10",
        2,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun inclusion_leaf_2_of_3_index_next() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        3,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun inclusion_leaf_2_of_3_index_size() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        3,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun inclusion_leaf_2_of_3_index_max() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        18446744073709551615,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_2_of_3_index_previous() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        1,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_2_of_3_index_zero() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        0,
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun inclusion_leaf_2_of_3_size_zero() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        0,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun inclusion_leaf_2_of_3_size_index() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        2,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_2_of_3_size_double() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        6,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_2_of_3_size_max() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        18446744073709551615,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_2_of_3_root_of_the_tree_before() {
    merkle::assert_inclusion(
        x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        2,
        3,
        x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        vector[
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_0_of_8_flipped_bit_in_0() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"9ea296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_0_of_8_missing_0() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_0_of_8_flipped_bit_in_1() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a32ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_0_of_8_missing_1() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_0_of_8_flipped_bit_in_2() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9ad889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_0_of_8_missing_2() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_0_of_8_extra_first() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"c8dee78f8c7b466c881847accc196998bad00e2b96c5ef913dfbe454d3807c96",
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_0_of_8_extra_last() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            x"c8dee78f8c7b466c881847accc196998bad00e2b96c5ef913dfbe454d3807c96",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_0_of_8_empty_proof() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_0_of_8_repeated_last() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_0_of_8_short_node() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cf",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_0_of_8_long_node() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e400",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_0_of_8_zero_length_node() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_0_of_8_swapped_0() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_0_of_8_swapped_1() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_0_of_8_leaf_hash_flipped() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa09d",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_0_of_8_leaf_hash_short() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa0",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_0_of_8_leaf_hash_long() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d00",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_0_of_8_leaf_hash_absent() {
    merkle::assert_inclusion(
        x"",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_0_of_8_root_flipped() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff46043a8",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_0_of_8_root_short() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff46043",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_0_of_8_root_long() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff460432800",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_0_of_8_root_absent() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        8,
        x"",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_0_of_8_of_a_leaf_not_hashed() {
    merkle::assert_inclusion(
        x"",
        0,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_0_of_8_index_next() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        1,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun inclusion_leaf_0_of_8_index_size() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun inclusion_leaf_0_of_8_index_max() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        18446744073709551615,
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun inclusion_leaf_0_of_8_size_zero() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        0,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun inclusion_leaf_0_of_8_size_index() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        0,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_0_of_8_size_double() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        16,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_0_of_8_size_max() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        18446744073709551615,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_0_of_8_root_of_the_tree_before() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        8,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_5_of_7_flipped_bit_in_0() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"b41a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_5_of_7_missing_0() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_5_of_7_flipped_bit_in_1() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e731597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_5_of_7_missing_1() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_5_of_7_flipped_bit_in_2() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753e1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_5_of_7_missing_2() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_5_of_7_extra_first() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"c8dee78f8c7b466c881847accc196998bad00e2b96c5ef913dfbe454d3807c96",
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_5_of_7_extra_last() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            x"c8dee78f8c7b466c881847accc196998bad00e2b96c5ef913dfbe454d3807c96",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_5_of_7_empty_proof() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_5_of_7_repeated_last() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_5_of_7_short_node() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_5_of_7_long_node() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b700",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_5_of_7_zero_length_node() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_5_of_7_swapped_0() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_5_of_7_swapped_1() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_5_of_7_leaf_hash_flipped() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab6d8",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_5_of_7_leaf_hash_short() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab6",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_5_of_7_leaf_hash_long() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab65800",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_5_of_7_leaf_hash_absent() {
    merkle::assert_inclusion(
        x"",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_5_of_7_root_flipped() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c0c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_5_of_7_root_short() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_5_of_7_root_long() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c00",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_5_of_7_root_absent() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        7,
        x"",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun inclusion_leaf_5_of_7_of_a_leaf_not_hashed() {
    merkle::assert_inclusion(
        x"40414243",
        5,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_5_of_7_index_next() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        6,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun inclusion_leaf_5_of_7_index_size() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        7,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun inclusion_leaf_5_of_7_index_max() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        18446744073709551615,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_5_of_7_index_previous() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        4,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_5_of_7_index_zero() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        0,
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun inclusion_leaf_5_of_7_size_zero() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        0,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun inclusion_leaf_5_of_7_size_index() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        5,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_5_of_7_size_double() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        14,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_leaf_5_of_7_size_max() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        18446744073709551615,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_leaf_5_of_7_root_of_the_tree_before() {
    merkle::assert_inclusion(
        x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        5,
        7,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun inclusion_empty_tree() {
    merkle::assert_inclusion(
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        0,
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun inclusion_empty_tree_max() {
    merkle::assert_inclusion(
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        18446744073709551615,
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_node_as_leaf() {
    merkle::assert_inclusion(
        x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        0,
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        vector[
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        ],
    )
}

#[test]
fun inclusion_size_of_the_same_shape() {
    merkle::assert_inclusion(
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        0,
        5,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test]
fun inclusion_large_first_of_max() {
    merkle::assert_inclusion(
        x"07228638274ab8c67f8527c1bd76959c6e507e5daaa0a70d12bea763c03606dd",
        0,
        18446744073709551615,
        x"6ce483d9b7e0874c5d72ecd8983d49c92f3201049f5bdcc9cdf883c427add655",
        vector[
            x"585fe313c1ace9d965a2b4ee349457b3f041548e47f25a03edaa83f643d04b9f",
            x"3bc59e914afe84e2fb5d3ae1b113681e7c31679ab5c28eb089fbe5af11b4b8ed",
            x"c8f4a768390ae154b3dfa92c5ba102b3b3f4086ef1a8d02200d72f397dae2dac",
            x"56bc598c4dd05856619ffec161f4501c497e314efeb7de58658535eeb7e47157",
            x"48845d8cb24d780638652f8cf92021287a1f330343c25f5d19bdbc083b4e50a6",
            x"c131419ccd7d8c14935a1f1e62ec3f96154fd3cadf873e967991486f15128fe4",
            x"fb45e8bd0226c5b7da25798ab0d7f9ce2e4934f0f744373a1116417c775b855a",
            x"be8686d9f30c837cac79306d858fa9bf4dbff9efa0335b14222370c795f5fa1d",
            x"302f50ba5588c47b8d1170cda5b8f1e324990406522986540210d0e732b2e708",
            x"e05b86e2eb9d018ff0e10b8765faf22fd3ef7f77a6ba854ed6227597e2240d63",
            x"59859ed1a8582426b5f6370c0d963321fb41c95eb6a6e8ef54ecb4a53593dce5",
            x"5551fbac21553ff199bc5dfbfaf742b46487719ffb4ce3abf9292af7e716be44",
            x"a2909d96378d8b51632d9bd60eb2e315a160963d303d44b1a6f957cb2bed2b17",
            x"8e9fb209c0a9c1f373d14ec9d57eba371b3ee714f42bbb4dcaf2f58aae1f5205",
            x"64bec3beccb5fc6db72b49a2f8a777bf1cbc2e152ec848b54bbf38ef537c6ffc",
            x"0ad43f2ac735cbed113339dbe396ca08dadd8203a03a0a77eabd66c7a3d2eb02",
            x"4016a3166c94133f2ed250ba8f43534385eba99cdaf7aeff8d9efa7e985f9a06",
            x"5a1cd6a4ad947b2282584c8e4b8d59822ffe23f0054e9e4731583836ea2e3604",
            x"95ddbe0d17136522d5f394edab23ad7d8ad18e174a6933e17778dcdd854d0049",
            x"1524fa27f51ad5d07e586a074625c36e4e0da650726452f0b637e09f6487491f",
            x"eda82b32561cb04eaea0665b36e1e19c4319eb88e70e5e4fd49dffde7a350f07",
            x"99d0114a3ce44bfa7906a15bc31f92437119325771cdca5674a88456892e82d9",
            x"8b55b23300f6cada5eff7bfb5f0024e0b3b13f14237a2249adf3d29f092fa8dc",
            x"3776058bea43ce995bd8c98e5750642e9999181dbb311d766b36e90e67ecd69e",
            x"578d2f8cb20945a211bc31065faa34bb244423d3ea1746964d3a9f84c210074f",
            x"91c7d7b26e6b5d4c39ff492fa7e10925e86053cfe3a7181aa5af2f6fc0dd6e5a",
            x"323526fd85f8cabb6c122ba4b1a54a761ffe6c477017a9f8bb4c8a4fecb3fa1e",
            x"3ffd2841299642f47f1b7429ac14930fb6d581bb60813d71d6bbba2fe98d754e",
            x"77f3afca1faa77dceea7c90f1fc6df09d5160e98e4eb759b4d2ab29005aff48d",
            x"707c651f1216408f045316133ada7274de4692045222b9ca072b23aac7b956af",
            x"6610cd261f91ae68f38a93db5eaa7fc08b0b42f5be1e18a21bc84ecf1aefcab2",
            x"af408c374c0c0ecbb67e955ed3232106e80643ba27200c33b27ff6454092ecd0",
            x"ba93fccb63c3981b156ab55399f63436d9b44730649b0fdc8410245d218350c0",
            x"2117da90ee67ffc1e95294d09dab54eedcd18042e2a178eaeeb82309f30b846b",
            x"60e454b9d1cc854c2e56a8b2c25050436b88496414528e0f1fa294eff72cd109",
            x"fe7b4a85b95756ba4540b26a63ff4df8f5a40d1d0fb4b3f869310e206512fd01",
            x"ae6da102884a4d2ce4e4e9a4d15dedf5f44cdc9ac805467faf2a6c16ea3d527e",
            x"f2db1172f873ffee49368decde7fdd5f9fbd2473bc9fef544fcdc93c2a6ba758",
            x"63e691419fb51274c9128e8871d8adc0ae174c2615e3cd07f695569358d0d268",
            x"96a7d302f32f9c1fe98e33a54d7043259809bd8d1c2d6e98cc12908f54ff254a",
            x"c68e7d27a18d25588baa59b24cd1cb7a93803a3f006c90abd4f01d82b3f85bdb",
            x"14376e19a71154487f36061cc0601217b8d817b69af190337ca3cea8bf7625de",
            x"80263d38d6eff55efa49c748228079a0882fa2b930fd79f20c64eb43bc72ba75",
            x"3d23809fba2f18e5e1116aefe3204eb2c69b729eb2066468058e98c98669dfc5",
            x"f8e7038c043f7d9de7a4c19af2fadd0a90e578075568f139533b9b3719f0ee4f",
            x"7a7e3a94cbb835070aeb4ae9dbb6233f99d00af20e5fcc21dc3edccfd4a50569",
            x"4799eaf35b1b07a0ecbbb55b8c9142492a9aa37f998dc075d7eccadff71d5381",
            x"b6333db0d39a9b4e4e79a8757e5b46a490e33ed4c16a5cbafc9a70d39924ab6e",
            x"ae4b55d8fee1877bab9d7ab4439e50ebaaa3383c992d3e0af6806849d08c0166",
            x"83f0dc62a57a0008c1a689342324fd9a3c332bea07dea17cdeb79bee08facd85",
            x"cb032a8a16f2809b68d2e7a119d54de84594e3e6545b47bd780a3728bf003d9e",
            x"1994aa2fa538fdc27e55da4a327f74aaf7146c81286c61c4430a0c63585befc1",
            x"720d4a5cef60617db11e3c268e005e2e2e59f5560715be7c8ff610f8565886b3",
            x"3610e08831c765d04fee70067e1d4bde07648399e4d5ab2d2d28ccfddf0fba65",
            x"2f2d513243d6d348ad658aff9d43bd369f1d3f29c1738f9a7d11f2af618a598b",
            x"34d59e12f5fd634b5a86543a2c1c8edb1f7e81370a79a5d61f2d333a48c69130",
            x"97108a1fabc39736551af6742726e0d4483158b962f27cf60240dc99a30c977e",
            x"344be29f0d39ff9a4ae580db4d57a2f59e3e79296dffc69eb6bad350b0499f58",
            x"545a4153e66bacc2aa7f86a7d434e391204973822cd49f4ef4958b25af9408db",
            x"59de9e15e0dbaf493cc9bf0b99a3771fa5fdb5f597407b290f475e2d0b116f59",
            x"f59d3910c1a68a2e75826a03d0aa54763d205e39dd3cd6c040c48cb70b2a370e",
            x"dd1f4a0e1cbf4785f19436eec7ed0f6fe38dcc9281864a6ededdfbd6ce2342ab",
            x"62901aff8c5c16e98c91f9c838080f0b0666bc9b57efcc0def6118ee4e615145",
            x"b5ecb58b72423e8c151c4e17fbbcbfa0f72f246350eba8e32ffa2a1db7c91aee",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_large_first_of_max_flipped() {
    merkle::assert_inclusion(
        x"07228638274ab8c67f8527c1bd76959c6e507e5daaa0a70d12bea763c03606dd",
        0,
        18446744073709551615,
        x"6ce483d9b7e0874c5d72ecd8983d49c92f3201049f5bdcc9cdf883c427add655",
        vector[
            x"595fe313c1ace9d965a2b4ee349457b3f041548e47f25a03edaa83f643d04b9f",
            x"3bc59e914afe84e2fb5d3ae1b113681e7c31679ab5c28eb089fbe5af11b4b8ed",
            x"c8f4a768390ae154b3dfa92c5ba102b3b3f4086ef1a8d02200d72f397dae2dac",
            x"56bc598c4dd05856619ffec161f4501c497e314efeb7de58658535eeb7e47157",
            x"48845d8cb24d780638652f8cf92021287a1f330343c25f5d19bdbc083b4e50a6",
            x"c131419ccd7d8c14935a1f1e62ec3f96154fd3cadf873e967991486f15128fe4",
            x"fb45e8bd0226c5b7da25798ab0d7f9ce2e4934f0f744373a1116417c775b855a",
            x"be8686d9f30c837cac79306d858fa9bf4dbff9efa0335b14222370c795f5fa1d",
            x"302f50ba5588c47b8d1170cda5b8f1e324990406522986540210d0e732b2e708",
            x"e05b86e2eb9d018ff0e10b8765faf22fd3ef7f77a6ba854ed6227597e2240d63",
            x"59859ed1a8582426b5f6370c0d963321fb41c95eb6a6e8ef54ecb4a53593dce5",
            x"5551fbac21553ff199bc5dfbfaf742b46487719ffb4ce3abf9292af7e716be44",
            x"a2909d96378d8b51632d9bd60eb2e315a160963d303d44b1a6f957cb2bed2b17",
            x"8e9fb209c0a9c1f373d14ec9d57eba371b3ee714f42bbb4dcaf2f58aae1f5205",
            x"64bec3beccb5fc6db72b49a2f8a777bf1cbc2e152ec848b54bbf38ef537c6ffc",
            x"0ad43f2ac735cbed113339dbe396ca08dadd8203a03a0a77eabd66c7a3d2eb02",
            x"4016a3166c94133f2ed250ba8f43534385eba99cdaf7aeff8d9efa7e985f9a06",
            x"5a1cd6a4ad947b2282584c8e4b8d59822ffe23f0054e9e4731583836ea2e3604",
            x"95ddbe0d17136522d5f394edab23ad7d8ad18e174a6933e17778dcdd854d0049",
            x"1524fa27f51ad5d07e586a074625c36e4e0da650726452f0b637e09f6487491f",
            x"eda82b32561cb04eaea0665b36e1e19c4319eb88e70e5e4fd49dffde7a350f07",
            x"99d0114a3ce44bfa7906a15bc31f92437119325771cdca5674a88456892e82d9",
            x"8b55b23300f6cada5eff7bfb5f0024e0b3b13f14237a2249adf3d29f092fa8dc",
            x"3776058bea43ce995bd8c98e5750642e9999181dbb311d766b36e90e67ecd69e",
            x"578d2f8cb20945a211bc31065faa34bb244423d3ea1746964d3a9f84c210074f",
            x"91c7d7b26e6b5d4c39ff492fa7e10925e86053cfe3a7181aa5af2f6fc0dd6e5a",
            x"323526fd85f8cabb6c122ba4b1a54a761ffe6c477017a9f8bb4c8a4fecb3fa1e",
            x"3ffd2841299642f47f1b7429ac14930fb6d581bb60813d71d6bbba2fe98d754e",
            x"77f3afca1faa77dceea7c90f1fc6df09d5160e98e4eb759b4d2ab29005aff48d",
            x"707c651f1216408f045316133ada7274de4692045222b9ca072b23aac7b956af",
            x"6610cd261f91ae68f38a93db5eaa7fc08b0b42f5be1e18a21bc84ecf1aefcab2",
            x"af408c374c0c0ecbb67e955ed3232106e80643ba27200c33b27ff6454092ecd0",
            x"ba93fccb63c3981b156ab55399f63436d9b44730649b0fdc8410245d218350c0",
            x"2117da90ee67ffc1e95294d09dab54eedcd18042e2a178eaeeb82309f30b846b",
            x"60e454b9d1cc854c2e56a8b2c25050436b88496414528e0f1fa294eff72cd109",
            x"fe7b4a85b95756ba4540b26a63ff4df8f5a40d1d0fb4b3f869310e206512fd01",
            x"ae6da102884a4d2ce4e4e9a4d15dedf5f44cdc9ac805467faf2a6c16ea3d527e",
            x"f2db1172f873ffee49368decde7fdd5f9fbd2473bc9fef544fcdc93c2a6ba758",
            x"63e691419fb51274c9128e8871d8adc0ae174c2615e3cd07f695569358d0d268",
            x"96a7d302f32f9c1fe98e33a54d7043259809bd8d1c2d6e98cc12908f54ff254a",
            x"c68e7d27a18d25588baa59b24cd1cb7a93803a3f006c90abd4f01d82b3f85bdb",
            x"14376e19a71154487f36061cc0601217b8d817b69af190337ca3cea8bf7625de",
            x"80263d38d6eff55efa49c748228079a0882fa2b930fd79f20c64eb43bc72ba75",
            x"3d23809fba2f18e5e1116aefe3204eb2c69b729eb2066468058e98c98669dfc5",
            x"f8e7038c043f7d9de7a4c19af2fadd0a90e578075568f139533b9b3719f0ee4f",
            x"7a7e3a94cbb835070aeb4ae9dbb6233f99d00af20e5fcc21dc3edccfd4a50569",
            x"4799eaf35b1b07a0ecbbb55b8c9142492a9aa37f998dc075d7eccadff71d5381",
            x"b6333db0d39a9b4e4e79a8757e5b46a490e33ed4c16a5cbafc9a70d39924ab6e",
            x"ae4b55d8fee1877bab9d7ab4439e50ebaaa3383c992d3e0af6806849d08c0166",
            x"83f0dc62a57a0008c1a689342324fd9a3c332bea07dea17cdeb79bee08facd85",
            x"cb032a8a16f2809b68d2e7a119d54de84594e3e6545b47bd780a3728bf003d9e",
            x"1994aa2fa538fdc27e55da4a327f74aaf7146c81286c61c4430a0c63585befc1",
            x"720d4a5cef60617db11e3c268e005e2e2e59f5560715be7c8ff610f8565886b3",
            x"3610e08831c765d04fee70067e1d4bde07648399e4d5ab2d2d28ccfddf0fba65",
            x"2f2d513243d6d348ad658aff9d43bd369f1d3f29c1738f9a7d11f2af618a598b",
            x"34d59e12f5fd634b5a86543a2c1c8edb1f7e81370a79a5d61f2d333a48c69130",
            x"97108a1fabc39736551af6742726e0d4483158b962f27cf60240dc99a30c977e",
            x"344be29f0d39ff9a4ae580db4d57a2f59e3e79296dffc69eb6bad350b0499f58",
            x"545a4153e66bacc2aa7f86a7d434e391204973822cd49f4ef4958b25af9408db",
            x"59de9e15e0dbaf493cc9bf0b99a3771fa5fdb5f597407b290f475e2d0b116f59",
            x"f59d3910c1a68a2e75826a03d0aa54763d205e39dd3cd6c040c48cb70b2a370e",
            x"dd1f4a0e1cbf4785f19436eec7ed0f6fe38dcc9281864a6ededdfbd6ce2342ab",
            x"62901aff8c5c16e98c91f9c838080f0b0666bc9b57efcc0def6118ee4e615145",
            x"b5ecb58b72423e8c151c4e17fbbcbfa0f72f246350eba8e32ffa2a1db7c91aee",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_large_first_of_max_missing() {
    merkle::assert_inclusion(
        x"07228638274ab8c67f8527c1bd76959c6e507e5daaa0a70d12bea763c03606dd",
        0,
        18446744073709551615,
        x"6ce483d9b7e0874c5d72ecd8983d49c92f3201049f5bdcc9cdf883c427add655",
        vector[
            x"3bc59e914afe84e2fb5d3ae1b113681e7c31679ab5c28eb089fbe5af11b4b8ed",
            x"c8f4a768390ae154b3dfa92c5ba102b3b3f4086ef1a8d02200d72f397dae2dac",
            x"56bc598c4dd05856619ffec161f4501c497e314efeb7de58658535eeb7e47157",
            x"48845d8cb24d780638652f8cf92021287a1f330343c25f5d19bdbc083b4e50a6",
            x"c131419ccd7d8c14935a1f1e62ec3f96154fd3cadf873e967991486f15128fe4",
            x"fb45e8bd0226c5b7da25798ab0d7f9ce2e4934f0f744373a1116417c775b855a",
            x"be8686d9f30c837cac79306d858fa9bf4dbff9efa0335b14222370c795f5fa1d",
            x"302f50ba5588c47b8d1170cda5b8f1e324990406522986540210d0e732b2e708",
            x"e05b86e2eb9d018ff0e10b8765faf22fd3ef7f77a6ba854ed6227597e2240d63",
            x"59859ed1a8582426b5f6370c0d963321fb41c95eb6a6e8ef54ecb4a53593dce5",
            x"5551fbac21553ff199bc5dfbfaf742b46487719ffb4ce3abf9292af7e716be44",
            x"a2909d96378d8b51632d9bd60eb2e315a160963d303d44b1a6f957cb2bed2b17",
            x"8e9fb209c0a9c1f373d14ec9d57eba371b3ee714f42bbb4dcaf2f58aae1f5205",
            x"64bec3beccb5fc6db72b49a2f8a777bf1cbc2e152ec848b54bbf38ef537c6ffc",
            x"0ad43f2ac735cbed113339dbe396ca08dadd8203a03a0a77eabd66c7a3d2eb02",
            x"4016a3166c94133f2ed250ba8f43534385eba99cdaf7aeff8d9efa7e985f9a06",
            x"5a1cd6a4ad947b2282584c8e4b8d59822ffe23f0054e9e4731583836ea2e3604",
            x"95ddbe0d17136522d5f394edab23ad7d8ad18e174a6933e17778dcdd854d0049",
            x"1524fa27f51ad5d07e586a074625c36e4e0da650726452f0b637e09f6487491f",
            x"eda82b32561cb04eaea0665b36e1e19c4319eb88e70e5e4fd49dffde7a350f07",
            x"99d0114a3ce44bfa7906a15bc31f92437119325771cdca5674a88456892e82d9",
            x"8b55b23300f6cada5eff7bfb5f0024e0b3b13f14237a2249adf3d29f092fa8dc",
            x"3776058bea43ce995bd8c98e5750642e9999181dbb311d766b36e90e67ecd69e",
            x"578d2f8cb20945a211bc31065faa34bb244423d3ea1746964d3a9f84c210074f",
            x"91c7d7b26e6b5d4c39ff492fa7e10925e86053cfe3a7181aa5af2f6fc0dd6e5a",
            x"323526fd85f8cabb6c122ba4b1a54a761ffe6c477017a9f8bb4c8a4fecb3fa1e",
            x"3ffd2841299642f47f1b7429ac14930fb6d581bb60813d71d6bbba2fe98d754e",
            x"77f3afca1faa77dceea7c90f1fc6df09d5160e98e4eb759b4d2ab29005aff48d",
            x"707c651f1216408f045316133ada7274de4692045222b9ca072b23aac7b956af",
            x"6610cd261f91ae68f38a93db5eaa7fc08b0b42f5be1e18a21bc84ecf1aefcab2",
            x"af408c374c0c0ecbb67e955ed3232106e80643ba27200c33b27ff6454092ecd0",
            x"ba93fccb63c3981b156ab55399f63436d9b44730649b0fdc8410245d218350c0",
            x"2117da90ee67ffc1e95294d09dab54eedcd18042e2a178eaeeb82309f30b846b",
            x"60e454b9d1cc854c2e56a8b2c25050436b88496414528e0f1fa294eff72cd109",
            x"fe7b4a85b95756ba4540b26a63ff4df8f5a40d1d0fb4b3f869310e206512fd01",
            x"ae6da102884a4d2ce4e4e9a4d15dedf5f44cdc9ac805467faf2a6c16ea3d527e",
            x"f2db1172f873ffee49368decde7fdd5f9fbd2473bc9fef544fcdc93c2a6ba758",
            x"63e691419fb51274c9128e8871d8adc0ae174c2615e3cd07f695569358d0d268",
            x"96a7d302f32f9c1fe98e33a54d7043259809bd8d1c2d6e98cc12908f54ff254a",
            x"c68e7d27a18d25588baa59b24cd1cb7a93803a3f006c90abd4f01d82b3f85bdb",
            x"14376e19a71154487f36061cc0601217b8d817b69af190337ca3cea8bf7625de",
            x"80263d38d6eff55efa49c748228079a0882fa2b930fd79f20c64eb43bc72ba75",
            x"3d23809fba2f18e5e1116aefe3204eb2c69b729eb2066468058e98c98669dfc5",
            x"f8e7038c043f7d9de7a4c19af2fadd0a90e578075568f139533b9b3719f0ee4f",
            x"7a7e3a94cbb835070aeb4ae9dbb6233f99d00af20e5fcc21dc3edccfd4a50569",
            x"4799eaf35b1b07a0ecbbb55b8c9142492a9aa37f998dc075d7eccadff71d5381",
            x"b6333db0d39a9b4e4e79a8757e5b46a490e33ed4c16a5cbafc9a70d39924ab6e",
            x"ae4b55d8fee1877bab9d7ab4439e50ebaaa3383c992d3e0af6806849d08c0166",
            x"83f0dc62a57a0008c1a689342324fd9a3c332bea07dea17cdeb79bee08facd85",
            x"cb032a8a16f2809b68d2e7a119d54de84594e3e6545b47bd780a3728bf003d9e",
            x"1994aa2fa538fdc27e55da4a327f74aaf7146c81286c61c4430a0c63585befc1",
            x"720d4a5cef60617db11e3c268e005e2e2e59f5560715be7c8ff610f8565886b3",
            x"3610e08831c765d04fee70067e1d4bde07648399e4d5ab2d2d28ccfddf0fba65",
            x"2f2d513243d6d348ad658aff9d43bd369f1d3f29c1738f9a7d11f2af618a598b",
            x"34d59e12f5fd634b5a86543a2c1c8edb1f7e81370a79a5d61f2d333a48c69130",
            x"97108a1fabc39736551af6742726e0d4483158b962f27cf60240dc99a30c977e",
            x"344be29f0d39ff9a4ae580db4d57a2f59e3e79296dffc69eb6bad350b0499f58",
            x"545a4153e66bacc2aa7f86a7d434e391204973822cd49f4ef4958b25af9408db",
            x"59de9e15e0dbaf493cc9bf0b99a3771fa5fdb5f597407b290f475e2d0b116f59",
            x"f59d3910c1a68a2e75826a03d0aa54763d205e39dd3cd6c040c48cb70b2a370e",
            x"dd1f4a0e1cbf4785f19436eec7ed0f6fe38dcc9281864a6ededdfbd6ce2342ab",
            x"62901aff8c5c16e98c91f9c838080f0b0666bc9b57efcc0def6118ee4e615145",
            x"b5ecb58b72423e8c151c4e17fbbcbfa0f72f246350eba8e32ffa2a1db7c91aee",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_large_first_of_max_extra() {
    merkle::assert_inclusion(
        x"07228638274ab8c67f8527c1bd76959c6e507e5daaa0a70d12bea763c03606dd",
        0,
        18446744073709551615,
        x"6ce483d9b7e0874c5d72ecd8983d49c92f3201049f5bdcc9cdf883c427add655",
        vector[
            x"585fe313c1ace9d965a2b4ee349457b3f041548e47f25a03edaa83f643d04b9f",
            x"3bc59e914afe84e2fb5d3ae1b113681e7c31679ab5c28eb089fbe5af11b4b8ed",
            x"c8f4a768390ae154b3dfa92c5ba102b3b3f4086ef1a8d02200d72f397dae2dac",
            x"56bc598c4dd05856619ffec161f4501c497e314efeb7de58658535eeb7e47157",
            x"48845d8cb24d780638652f8cf92021287a1f330343c25f5d19bdbc083b4e50a6",
            x"c131419ccd7d8c14935a1f1e62ec3f96154fd3cadf873e967991486f15128fe4",
            x"fb45e8bd0226c5b7da25798ab0d7f9ce2e4934f0f744373a1116417c775b855a",
            x"be8686d9f30c837cac79306d858fa9bf4dbff9efa0335b14222370c795f5fa1d",
            x"302f50ba5588c47b8d1170cda5b8f1e324990406522986540210d0e732b2e708",
            x"e05b86e2eb9d018ff0e10b8765faf22fd3ef7f77a6ba854ed6227597e2240d63",
            x"59859ed1a8582426b5f6370c0d963321fb41c95eb6a6e8ef54ecb4a53593dce5",
            x"5551fbac21553ff199bc5dfbfaf742b46487719ffb4ce3abf9292af7e716be44",
            x"a2909d96378d8b51632d9bd60eb2e315a160963d303d44b1a6f957cb2bed2b17",
            x"8e9fb209c0a9c1f373d14ec9d57eba371b3ee714f42bbb4dcaf2f58aae1f5205",
            x"64bec3beccb5fc6db72b49a2f8a777bf1cbc2e152ec848b54bbf38ef537c6ffc",
            x"0ad43f2ac735cbed113339dbe396ca08dadd8203a03a0a77eabd66c7a3d2eb02",
            x"4016a3166c94133f2ed250ba8f43534385eba99cdaf7aeff8d9efa7e985f9a06",
            x"5a1cd6a4ad947b2282584c8e4b8d59822ffe23f0054e9e4731583836ea2e3604",
            x"95ddbe0d17136522d5f394edab23ad7d8ad18e174a6933e17778dcdd854d0049",
            x"1524fa27f51ad5d07e586a074625c36e4e0da650726452f0b637e09f6487491f",
            x"eda82b32561cb04eaea0665b36e1e19c4319eb88e70e5e4fd49dffde7a350f07",
            x"99d0114a3ce44bfa7906a15bc31f92437119325771cdca5674a88456892e82d9",
            x"8b55b23300f6cada5eff7bfb5f0024e0b3b13f14237a2249adf3d29f092fa8dc",
            x"3776058bea43ce995bd8c98e5750642e9999181dbb311d766b36e90e67ecd69e",
            x"578d2f8cb20945a211bc31065faa34bb244423d3ea1746964d3a9f84c210074f",
            x"91c7d7b26e6b5d4c39ff492fa7e10925e86053cfe3a7181aa5af2f6fc0dd6e5a",
            x"323526fd85f8cabb6c122ba4b1a54a761ffe6c477017a9f8bb4c8a4fecb3fa1e",
            x"3ffd2841299642f47f1b7429ac14930fb6d581bb60813d71d6bbba2fe98d754e",
            x"77f3afca1faa77dceea7c90f1fc6df09d5160e98e4eb759b4d2ab29005aff48d",
            x"707c651f1216408f045316133ada7274de4692045222b9ca072b23aac7b956af",
            x"6610cd261f91ae68f38a93db5eaa7fc08b0b42f5be1e18a21bc84ecf1aefcab2",
            x"af408c374c0c0ecbb67e955ed3232106e80643ba27200c33b27ff6454092ecd0",
            x"ba93fccb63c3981b156ab55399f63436d9b44730649b0fdc8410245d218350c0",
            x"2117da90ee67ffc1e95294d09dab54eedcd18042e2a178eaeeb82309f30b846b",
            x"60e454b9d1cc854c2e56a8b2c25050436b88496414528e0f1fa294eff72cd109",
            x"fe7b4a85b95756ba4540b26a63ff4df8f5a40d1d0fb4b3f869310e206512fd01",
            x"ae6da102884a4d2ce4e4e9a4d15dedf5f44cdc9ac805467faf2a6c16ea3d527e",
            x"f2db1172f873ffee49368decde7fdd5f9fbd2473bc9fef544fcdc93c2a6ba758",
            x"63e691419fb51274c9128e8871d8adc0ae174c2615e3cd07f695569358d0d268",
            x"96a7d302f32f9c1fe98e33a54d7043259809bd8d1c2d6e98cc12908f54ff254a",
            x"c68e7d27a18d25588baa59b24cd1cb7a93803a3f006c90abd4f01d82b3f85bdb",
            x"14376e19a71154487f36061cc0601217b8d817b69af190337ca3cea8bf7625de",
            x"80263d38d6eff55efa49c748228079a0882fa2b930fd79f20c64eb43bc72ba75",
            x"3d23809fba2f18e5e1116aefe3204eb2c69b729eb2066468058e98c98669dfc5",
            x"f8e7038c043f7d9de7a4c19af2fadd0a90e578075568f139533b9b3719f0ee4f",
            x"7a7e3a94cbb835070aeb4ae9dbb6233f99d00af20e5fcc21dc3edccfd4a50569",
            x"4799eaf35b1b07a0ecbbb55b8c9142492a9aa37f998dc075d7eccadff71d5381",
            x"b6333db0d39a9b4e4e79a8757e5b46a490e33ed4c16a5cbafc9a70d39924ab6e",
            x"ae4b55d8fee1877bab9d7ab4439e50ebaaa3383c992d3e0af6806849d08c0166",
            x"83f0dc62a57a0008c1a689342324fd9a3c332bea07dea17cdeb79bee08facd85",
            x"cb032a8a16f2809b68d2e7a119d54de84594e3e6545b47bd780a3728bf003d9e",
            x"1994aa2fa538fdc27e55da4a327f74aaf7146c81286c61c4430a0c63585befc1",
            x"720d4a5cef60617db11e3c268e005e2e2e59f5560715be7c8ff610f8565886b3",
            x"3610e08831c765d04fee70067e1d4bde07648399e4d5ab2d2d28ccfddf0fba65",
            x"2f2d513243d6d348ad658aff9d43bd369f1d3f29c1738f9a7d11f2af618a598b",
            x"34d59e12f5fd634b5a86543a2c1c8edb1f7e81370a79a5d61f2d333a48c69130",
            x"97108a1fabc39736551af6742726e0d4483158b962f27cf60240dc99a30c977e",
            x"344be29f0d39ff9a4ae580db4d57a2f59e3e79296dffc69eb6bad350b0499f58",
            x"545a4153e66bacc2aa7f86a7d434e391204973822cd49f4ef4958b25af9408db",
            x"59de9e15e0dbaf493cc9bf0b99a3771fa5fdb5f597407b290f475e2d0b116f59",
            x"f59d3910c1a68a2e75826a03d0aa54763d205e39dd3cd6c040c48cb70b2a370e",
            x"dd1f4a0e1cbf4785f19436eec7ed0f6fe38dcc9281864a6ededdfbd6ce2342ab",
            x"62901aff8c5c16e98c91f9c838080f0b0666bc9b57efcc0def6118ee4e615145",
            x"b5ecb58b72423e8c151c4e17fbbcbfa0f72f246350eba8e32ffa2a1db7c91aee",
            x"585fe313c1ace9d965a2b4ee349457b3f041548e47f25a03edaa83f643d04b9f",
        ],
    )
}

#[test]
fun inclusion_large_last_of_max() {
    merkle::assert_inclusion(
        x"05b4d36bbb7fa4f6428e3c9cdea689e5ca9345b289cdffe2eff9dced734f7a3e",
        18446744073709551614,
        18446744073709551615,
        x"f7973dc7e1df4d94816c815d56ec17766c0892a32bd92c71407ef1d0f077d29d",
        vector[
            x"b864e00550660afae580091d5ed95566a673328614fc12f77313f0d229a36491",
            x"50fc1ade7c56930d36b65186f20a4257b8892366544dc9338cb076cbb692506e",
            x"a1b92089c844bb8d7682af06e7685a229d21a737bf98a3e1d61554491b07456a",
            x"1176479889917629a8d707d71a0e016cb1d57c099fe24efcd9455f133621176f",
            x"ff8335afe7248ba84082d4f60e182d27bbc446cc6e0f010935a5bdaeb23fdee7",
            x"1674591da25ce58ae01a732fbdd48159cbef5118c459a51f7817f7f82654c21b",
            x"e7eb068b4561a258d9d0aefc53d1e19febc496dc40ea6420fbca1f76973f07b2",
            x"5533642fd0655cafcb87ca730cec765c26d0e98d2ced16dfc0868694de89bbe4",
            x"937cb7257b3b82c12ec4738974d40bc173c389539cfe289fa6572f061363e23b",
            x"a3dc63917785a1a002ef92ec5cd7e51062bde2418821e854574a9dcebbf8db21",
            x"887548ea596dec316cc38116989bf3dccb7f2370a37a07c2064f9f76da97861e",
            x"1f3598ff7a5aacaee6657ceb7aeccab7888b49d7430178e90b47ca30868f0fe8",
            x"1638b99d49773db22b5322223eb6c83c3c215f4cce19d2ed3948e356c6876e8d",
            x"1b422b05009870232e929308dd085c43973aba8ae66e0b3d374bd8516f9c7a4b",
            x"ac4ae7e00681e6be80ccc38ec2c906a02204a1dcc75275913d2271d880e1a867",
            x"5849871be62f5957b62f148255784d6bae047e8d6f4c6bf23fa20bd9300ba2f8",
            x"9e544b76c476be292bbe1b3f104ad5d4cad2af97668fa88398feeeb617975951",
            x"e038f5b9504af2daadf486c44c1df315172cf61f39aee2c543f4e06db4591edf",
            x"5a49ce3e5649fc4f894d12ab502b2814d2b9eb2e5f156a28bf143b763ab7eef9",
            x"3a664ba43e3a67f69da128a63b6bc4c6f558df745e76a26f4c80adafcf803bf7",
            x"95e47f4b361c063764c039354b3914363f16d2e12ffbcb719482964115f3410f",
            x"abfaf9468b5ca1730751608efc2e5d0334269539b23e214c2b79a12819346820",
            x"7afb996d010ea6878c788bdbccb586e418ac8e3a97b4074e14a0696fec54a25e",
            x"5daed06f6dc2fc71830670c94613e585356a92173e5bf88d2c9918c9625720ea",
            x"b8f6fe2c872767fd76dab51b81f9c974b46d9d6988f6f450927914356db9f48b",
            x"5c07a0e98524e5114fa70c5809c80cf3de14aba3b395b5ce8852e014e0673f41",
            x"1aefa50964208cb7e990c38303d7a4871699439aed81b93520de74c9c4d792b2",
            x"003677bab0f31b55eb2cea1d0400dbe623ce840cae08b1100b330a1704f3b63b",
            x"e4b5938f013ae24c736e3599919ba5556fc3d84603e5f7fa7f7003f0cec940af",
            x"3bae7115b6824852d2c8d63a560cd0fe97f2e126029a3cc6a0079322d793c9f8",
            x"03c8116bb545981057c52f603f60f8364e9ba84e2a6faae1699127a82114f773",
            x"e3462842a2ae03b7567a2d9c0923ad008d705fac38375dc51898aa6b247d30a3",
            x"5d0c934c32b83e929693ff4a1502a527d10743f4bb5fbb6382c67d6e6a24e8a3",
            x"8a7b8a638e4bc596453f9bb6ccca502e081dcb8b4bfe434f31e629e583b437d4",
            x"e269e63dc9b20ad650020cefefc324c3bfe6b417c263f48b798dba45682f0ef5",
            x"74f7b42d52a70c54a4cb026a1ac7b19903fc4a80003ef9968cac1b9222c297d3",
            x"9c5bd5e51e32e2ae0bdcd10f92164d5580d543560f6b4fe515b49ebe18ca4224",
            x"70b549e6d29547bc060baf1f6673195a3807f1449e13dfaa79a2b37ae38e1bd4",
            x"56e3dc608bf5fefe5ec8bd8493955467b2d4a262442aa5a098802f315f5b8f08",
            x"ae26806fe461d8af55dd883e879b921f442a3e2bff9343dd8773f1759d462efd",
            x"60a10c4787578a5a92e6f1d470b8265b238192c38c8b63b82251506f377da7a3",
            x"340ca2b50bea9ef75356a898a83c4b164b9e797fba2831d28e8a8e520c4c03bf",
            x"215a87b6b691132dbe0f409dd9ce1391716be7c288d730c2c5b22d4d8f73037f",
            x"79b30d7d08a1c8024a4e732ce7347b8b78482237f533d18b65ce9400fb21e615",
            x"16e5203b7b5fbb494283632d183f4a9539e5826e4b740870edba000fce4a6fbd",
            x"03e93a9449a8c10d9744fbe933f9ac0f879b6b88a5db168a37d5d8ad9b643f04",
            x"e881f2f8f6e64a06e61eeed538581a64f5955679fc2121bc81785c90af65cbef",
            x"a8957b5da41f730fac8d9e67f8e4ff6bc58cc71c7cb9c6a3acae9c61253a28b2",
            x"a03a250a9acdf1a3cff553438064e8f081e1dcec0ce5913fa09bb91190941c5c",
            x"98b279df5468596aeaabf7b8cc3352499f13546501449a341ccec65908b23d5c",
            x"c27ff2e9304a681bd43eeacc8823f3bd538e63ee230f57201b8cffe87ee1bdd0",
            x"18c396a3d55b2e2b37b7b67c2e7ae95bf860d0287e5cfd26e2b89aa3b8a56612",
            x"1c3b21a39b253b6a90f804544f82b4911fffb362f4e25d9800494f833f5634a3",
            x"b691ce1b0f8530af07487bf84068dabf97bee80ee22cd35f91e6782d45e976ec",
            x"df00442c2f3aa55afef6b2bf78fa462da95199870b47d01c9e82c160a978b20a",
            x"bcdc66b1ea146480f72f074f0e4cd2d9a62832e3324d51e6ad4f708091f558da",
            x"6cf35efc0dd3fa28c633f868cff840162c134e0661764d0c2e296f8dddad3eb6",
            x"3e3b019712eb29f9e6d40991437687e3556167b09a27b91d16efbc10dc71d2c9",
            x"a75c2b7c10261dc07baf0cf3183fff8836d99033b0836c82e158f9c2ea7c4001",
            x"ecd0f8de45817d94006e079f84d58372a86f3987c92106c96d85ab9ca8591ea2",
            x"a75237c7c565e2960c80fcddacd021eb1853f661203828e224db7e7008d035c7",
            x"307679d87e1330b29266dd4154a8410484c1a977ed287bcd05a36f6e79ba4010",
            x"81def9198c96590551e9158fc642031da862f43a789c0dc5ece175d217a3d9c6",
        ],
    )
}

#[test]
fun inclusion_large_middle_of_max() {
    merkle::assert_inclusion(
        x"10d4d920a3da4579a10296cf2008526ad4d5508ab949e50574aafc72077618df",
        9223372036854775808,
        18446744073709551615,
        x"a0c0baa2b56a189063a82d6d1c90a3602b899fdca253da9e4be6cc5605448651",
        vector[
            x"bc2d42375c8750d3f800936a3a16f353fa21c478f4b6d1bc889efc1afedd9a64",
            x"a1dcdd1f83725aab5c1f057ecafa40eb485792ffb472fe0b04022c3179b80f88",
            x"764bc159729479fa842727cdb5110208d72776cec47830961baf3a5f876069d7",
            x"475cd31c191ddb28d04e6adc8448164411a259865d9840c11ac5eab07b7002ce",
            x"38d3e7240aab6123a0ded812838258993e4eaf2f8084dce7161a1c86196851b8",
            x"e0aeabd3b1168e569ba66440a2ca84256b9ce765beeaa435c1190e94602aeb2d",
            x"e9575b8ff4fdb43880452ff785b177da1a46e3b58c3eeedff849b585c322dd57",
            x"3cd744be7cde10553b07cec8547712f9d8aaea2d46ddee0ce69046556abe3646",
            x"3ed7acdd1c029fe5547029f9fb28ad6c0e6a0a5ded92912013dc5e9817d59b89",
            x"5f6007ecd96313b7c1da152bd7f1f0c379256ffa92f5224efe24463c3b3b6a40",
            x"9ca472cdc415c3fa0d8f42d94b5117b8c9980f508876bfa796170277107cb091",
            x"309b28264994a0246264a178a736023dc4c148ac9ee56d236347079aa8df0599",
            x"6cf4db1baace55c06cd4a6c3ab910c1aef6f211a668141a1cbdffbf408c8a427",
            x"5b5f3b44d49f017b60ea8c5384886cd7c0d45e2ac7ea5e76e18b65fa9e9331d6",
            x"c1d834d3e4969987da5beb5ce680c0e49675b18b4b6c962c40a2386aa047db53",
            x"2d144aa116b1b34a7bc398f8d75e927c6f26f9c1afef52bc84d41bd95b6f3b29",
            x"a7213a49d1ae01e35cc8e2ec313b2fbb7b200f2a1af6110d027b8bdd422e9b60",
            x"cb0a550fa11e1d3a33d8de68d632bad1cb764151f9f14e7e8aa4f6aeb631eca3",
            x"101bdd08cbb20292c7e621419e6fff30b5e887bcc58dc5552a4b96599b0eec0e",
            x"137048bfc399d8ffabe79227a17632eb884b8fbc75c91c654818b51826cc5f5c",
            x"4d22acfb683ba1b4a13d603084475fdcd880c9cc92e05f875f1af1de4adfe4da",
            x"078f63b1a6721165ddb45098be38d43791cf09fc9d363dfeba1908da775ac04a",
            x"ee6ea3ab43a45a787d8d902e24b1952cfd32ec0e1ed0092a753f0df9d2bf41b2",
            x"5279c1a67a5a6e604bb768498515306ce4bd105a474520c75d7eb596f8b61238",
            x"93fed0f28eae11b89f94ae4bc2f1585bee20ecf0d305f80c825c1b993f229f2d",
            x"35eccf740606bbb9a063dc7a0188d30730b0a04c7ab1ebe0e2084a5a4d9274bc",
            x"c1f261b38fff1308c4bbbd1ea244dae7162cbc3e6a4c89ca88dfb3de316b93b8",
            x"4e0ca5eb0f87885e70e2a206fbae9ec7c05d72ac3696796949441721274ddcce",
            x"6c3017afcac35c112abf8c9708808c0a4a99d03de7b1089c013e628198692f6d",
            x"cf63d1bfed2de47d527fb02d65acb42b5250ccc0ff5ab55fe2d3223f38b98746",
            x"2ca1cd705beb9c2f199ceeee3fec63b4bb5e000aa514063ba60001662f1b421f",
            x"63918e20c761df62483662ea8c0e19e01541b397b9617ad5f09a2fdeca53c544",
            x"4006c941dcb3b6688be347ac39f3ebf9d3548b41d98d4837e31c6296e2b8048b",
            x"846e7562a46f7f94986c272b1773eaf96e4aadc8e27484d72e448679b78fae46",
            x"98ba3683f5fe74a6d52f8ec7b86a1ab82b713e420bbfb79c183940d73edb5d34",
            x"b14af6d5fc5d7358f80162bd5bef951e96f2e817bacac4bf0f094db54613a5b6",
            x"ee1ad6a07e725387a7867bda9974e19b52b58b36161723c893e28b40971223c0",
            x"172ac80d30926015efb1bfa9d36586acad38541155318ce50d9480bd9decee85",
            x"381683ecf77e107c029e72f0568adafef53286fe022ba7e2d9509b614c8b27f2",
            x"311f3ec3ce737285b7b3124601b1ff99385d836b20ac366633011c44a4477e12",
            x"24bc3aa1157b419a5377807efbedc3c437ac6f9e0c3c733ba55ae3afbe40497d",
            x"b726f2d42b07b0ebb0419b6549bdaf6b52e457bccd6678c3c2e5234306f9c535",
            x"7d64eb9af900565bc9523a666381caa4209171e9cd41a64e811aa409393973ca",
            x"0ec57f2cf60957d160ace26f8cafdfc5b41f4210ecaac96f028e89ca0f5cec4d",
            x"497ad82df9e19795d0d1c12e0809c8e06ddd62813116115f51f85849981ee0c0",
            x"b8cef06c350db17fa84be7200e898c6d02b72da4a0898b05570c275070f2cf68",
            x"0ef079eb21763e4ac070ae728b81deab30266505e6384a9866e6275230402525",
            x"cd868ce24676b046bcdbefd10d61240724da56c1642267cf51a491775e11c23b",
            x"8381529ac7ee27201a7066438610ca63e4fba22e9b0789cc9973d57ad40cf369",
            x"4cdcf585cf537f264146ec6f3c8a2fc471339582ab07542ce43083ab7824f32c",
            x"d8dc1f290265e93b0348c5bb52af1efe78faf0193969c367d5300f6c0c7b7ede",
            x"fdb66c75b058f401c4725932ffd52993394da3c7a8f7af96a113021ab2c212ed",
            x"cfdc06b50c01a38671f0d5fd36528dfa418d00ce0b95a27df719bfacee799597",
            x"a4ab3833f846020e21d78c07b75ff6a045a38b4c4ce0713d2e12789bda4b4023",
            x"130b8f5acfe33597458bd6aa25beac05d01a3d6558811664fa87de42adf28591",
            x"34e4f6595998efe283cdc2e488bb6b3dd4a408106004dc552b8eb20a012241a0",
            x"b2bb8db1bf1797f8d8db69801546bf4c527e381748083bf046e66924ecfbe453",
            x"431f222ea900fd04a189543c5d8d730458b92de53060e5a3c8f4d596ed378070",
            x"7065053a67d938dbabfcb6f227a666f9797b2382e7f848192c36cb54203f7dde",
            x"0512e66c5762a8a33c114258c30368ad604a4b616dbd802e4152826b6e6fac94",
            x"a93ca3f95471c6cb3e7633b022adeb35f5eb0d86dda7336fb818857554eb3134",
            x"26b918ee0e3ef8ff04e404de5a7bbc65a2be27e4109c5787ad46b7a7fe20dd9e",
            x"160efa46f0efffcf8568fb0174ab24f3b8dc618f97a960761946a1254eb3fcb6",
            x"8cd7ce4cf09175ef4f85cf2f5efb89fdcea4c043bfa2aa87271b9796fb67c72c",
        ],
    )
}

#[test]
fun inclusion_large_before_middle_of_max() {
    merkle::assert_inclusion(
        x"ad606ffb61b090cc264dde04796536896a6190e1d1a6608823f397104de35431",
        9223372036854775807,
        18446744073709551615,
        x"38667a9158a7f25271c55acfb1bae381e7b1befd05557a56047f6d41a5c60f49",
        vector[
            x"5c822227c2439ee1331984abf844065e7e677ceb3b8ddc6bddbd741f963862cc",
            x"c8508cd996a2a6b786adc831694749441e58cbed87d3865f73e83bbb3c3599a4",
            x"4fed620e07822213fe28ac37016ed71cd0bf10c131a61bf614174ce9f6003f0f",
            x"18d916a42eabff215bfc65eeecb95384c234a068c96c066b70c49ba47e76f1be",
            x"c2be7854d692c95ca388d9cf180dbb92379ed611aa9890c63e7e649fffd8760b",
            x"364f595538087e743a6f7bd1829250b02b7ab80fa575dc5815e4cb9a03e7e4a9",
            x"ecb12476c4b4fe12a8ef74a72d070219b1c8ec575e7e313f9f7ce9297486c72a",
            x"b9300278afc62e30ba767946dce9bafc60e1dc2df6eb4a81c9ed51f424c641c5",
            x"15dbacf35bfa0615bacca80037e164c75ab55af003bc85f1b844dcf9fb06cff1",
            x"8bef0e2744e8811b20d569ca8b751aabc154ccbe620b6478813e932cabfd4cd8",
            x"e7974c8fd97d8042e6cefab901028997d6aeb4b41ba3301ed8aacee2532b1f47",
            x"ea75419c69e379c5fde91aabd1b4edcded0d4eb6d679e58b07d341b77036fba6",
            x"03cb08ef4041cd5cf21e6cf39f7a9aff9926ea6001098a305d78e235c616ebd0",
            x"454629a197acdd2c8fd7666a6d74def116cbcf7dbaa884c649cde028cd28586d",
            x"db90f534f0e0d12f59c462370e5d6f3b2b34bd29ab3e3c19491182fee6a46daf",
            x"2b29652b4feb5ffb7bc8e3872683772c41ec6a0c314e2ad750759e6135ac58e6",
            x"0ba4562bd1967499210f137f6830f7d9ab4ad54784c7f05eb44f5797cc999821",
            x"589883ad28283f208254b92df4fd7af9d955c643e6ee23203b1ddd55676a4689",
            x"dbaa7bce2ae85f867de42cd132fa9a4f9be673be10a7264d8429e5ead5bb1da3",
            x"94e6a083358af466c5c9d19dcdcdb7597f5e2c9db411e2b54e55477a12ba94e7",
            x"1444e8842d1f16fefcacc2b62f87ea91cdaa9a23cb2c9df1c87bdd8c84a89f47",
            x"e8f5c3df6009de2b79e5f1b0e7642300a464cd9e36214242bfba79276cf899cf",
            x"12f82ca4ab8b1fb71f1eb11cecc34867759b468f27e8eb0487636fb74f4a9d15",
            x"1f558cf2b2ac4ac61b03779c6baa9544831c47846d3f5732c709111e6f813851",
            x"f1a4d0cce2406b9dfb86d078f3f39a94c755fbb6d8204ea79dbca47a010b698e",
            x"46606dcb5448875dfce7b730f45a0c3ff348faaf65baba85448492c99c19d11d",
            x"59a05cc1f461f189e1e09ff95ff2fe5c3479dd25e2ca6a3dc13d0b38dbe0f573",
            x"41801683ced1b81454a68aa890f741aff10e1473ed1f1375bfabe930ee811728",
            x"77b327b828694ccdb4a0bd5cf3a43c267df567e656e16a2b8ef32bb02980dfc3",
            x"1634206534da28e3fc136411e8e3f5e4d13fce7f2557601c82dfdde198b7dfea",
            x"2ceb76fd84fcfa501484ace78aee4ae5e55c92aa64fd0fc3a3432a64dce16db0",
            x"d296fa8495f181c2cc26c6a0194757227cfd5f91aa8c7590992eb46a0fb32f56",
            x"b8d690d9d06e6724a5920892bc35fe56abc8078c3e63e22d799ef096752432da",
            x"eb78260fc67d0888d8b76c78fadfdce1fddb18fbae1a41222cea773067caaf81",
            x"f3dadedb6e2c7f0b84641cf96d700fb500d9216828531d1de7f728d5e0ed36d9",
            x"a02063033a0bd755c7f4f2608aa7439e3649d28cfb37f10af28894cec298ba12",
            x"f4d2f0af082f5b61111b1a15665c4a94674dd4d7d01699051ac93e0fb3a12f29",
            x"915586f79f2861d64e280538bd4d747010cadc2c470e71c2caf50ad7caeebefc",
            x"2ac286fa15a47597379d85e5c095c85c3b9f6f2bb124bfd9f484eff3f7d082f5",
            x"8b892efbd643c2565eb6843806487c6c1867fed4eea28022a98eb06bc37a071d",
            x"a953f5457f3d076c25dd1f425ab1133d4f154613e5fd53a84c6a3f438c031252",
            x"2846398f3445a9a3ee865a6ee7ac29ca93746697ae98a50ae47912a906f16f1b",
            x"c0f31daecba6c443c7c35128d5833e88a8679f6ed2b277486aa0d6df8858f9a7",
            x"7d8f7f8ba3fa3053e899c5a7c2285e4af279623dfed7d5b311086be73ca04eab",
            x"8846c7e4cdec0a7af091a3a1f6a665f9cdd93bb78344e82b9c4d67db225cefab",
            x"4453cb0026a5c0f68222aff5a4a7a09b7af82e5a2b572f8fd82fd2ffe6f592eb",
            x"0ad3768df0f20b9c7d027ad335ad0b348c4918488a36220a1d6cb208fdf21bbf",
            x"6664d9a949cb67483579447a70683fc9933fe8a2e7d88e002e7cfc87e35cb5da",
            x"fdc284cba97f859ebed9e8e93dbe29bee206a3e54f863e329c65bd250aca0382",
            x"44687ded28abfc6e002a88b41b865afd68ef6ddc3e63497b31a4676a9fd448c2",
            x"18cfbc650bfd8c88160df7321fdc7a8dcf123dc7f69a5860fd69633610905eb6",
            x"673f13a7dba2cf2d6fa4f04fe21618201041165e2f92771cb475c6931d892348",
            x"4f03f5bcf4637d2377b52fd73e74ed8916b2327fe316d6836fdf441360b70b79",
            x"5d923fbe967d3e18155aae2e9e01c2d6d860f3559584ac8efc674fb2cf81c62a",
            x"d2b22cc2df822f0e5508c494544966da462c653764ed86cbdb4f74e84b01b8af",
            x"34c2219381aa79238daf153b8255d3eb18ae08cb80b219dfdaa646038c636b08",
            x"9a67fe81551dc2505b0d8e4419351ae89d3b909c04161574aa23b0e66b201b5f",
            x"4802225cd86d5762d2ab5238485f8ef5db49eaa38d6b06e82d2d6b8fa9bd218a",
            x"01f09e21e66a7f9a310cb65c5ce67183c497bf1f9d343af93e1079c24f2e1b3f",
            x"ab17fcf7bc186aa2ce32c24aeb21fca4ee7c43daa8c8a7040159b4981fbdeb20",
            x"ea30c65fc4ce23c66c28d3d4045e1b9d1d50c8d4e2c5372eeedc7270dc1ee579",
            x"a0fbf822752208efa292178e36840012f8f03b54d24a940e131f49016d8a68ce",
            x"a8ea375d58435fc097f6625c47723c5b9ef284a1ba282b9c1f1ed2f11b858acb",
            x"0cb6f6691ab2ab78390c13f363e267e1b2e24ccd6094daba57dff2b930d360c1",
        ],
    )
}

#[test]
fun inclusion_large_last_of_two_to_63() {
    merkle::assert_inclusion(
        x"9cf0adca9026ed8cb79cbb0fe428de7bb7f8f074715569bea687328e6cef53a1",
        9223372036854775807,
        9223372036854775808,
        x"767a32d4148f509c623d36ce8827a8dd7eabe964b9b5bfe4a325a923790a2dfd",
        vector[
            x"65927edc23f32c1c7c67ac494247a3b5e67ec4f77b84021ed1cdea0132f74d15",
            x"1df9a94284c4009a1fa85782dd8382d07b01f8c15dcdc20ff0ccc249a5283ab9",
            x"2b591f8d3cec66619cd8a9a234358b7e43a996cf1fe6424be3f072fb378a39d2",
            x"f74855b1c35ec956b5a82e9d2a56850aec48a79ce96bf7714dc04246c01fc323",
            x"2490ba40695083ca9fedfa5a4c564153f39e7a070a314ac00ca1fe06b1d6526e",
            x"e6ca32030b3389eb95bbf0cafa497cb21361df979554187e822261c0cf786eaa",
            x"3fef9c37098b360ba12ea1423acbb522da88cf6d01cdc5141e9f4ff3d131c00b",
            x"6130c57a98385ed062d864fbd467f32b15f4030c101a7c12904ce153d054d096",
            x"23d93e7defd0495f5e8adbf900b1e4af86bcf5d7a584df69367c4eed5f0df01a",
            x"d21dde737304653bc4040870289d2f62ed4f19d72b002174f96ec6a02cb4031e",
            x"63cbf60be27ed9944d41ba43835d7572eafcad331cb146fdcf55fae1c95e5657",
            x"fb05aab199ae1b49e25da1b39e7194aed495dc70b75a7d1a8a381b437ac834d1",
            x"a47ac42a932daae90316bb1e8a4e9b56a3e755646c7bff60b69846c3431f6633",
            x"010cc46ee4f2500d7fe22dd160c582d59768ee12a91a23025953aefb5ed77ff1",
            x"57029d7b984449682934703cf303563e05660220ceda5651dc2d37742b48c992",
            x"71b68d155dfea3c0c6577d266c3ab0ad8167fccf7176783caa89aa59fc2e72b3",
            x"75f677f0c9ec8efe400d101ab4ab804763d421be7155843df3748c08947b608d",
            x"5efa315421c2435d41ee2c4dd40e4241005b5a2d7ba113e129318d2318590dbb",
            x"d820629b4a6949c19b26e41eef97d710381cc5bd6230d4ae7de4018b062a5153",
            x"37158461796f7093d0501c8eaeb82d9215fefbb864b9c7da3aee14092970afc9",
            x"582eda1ddedf88a0576d9db68119e3fc8d34d1399c96f7becfdeea798ced35bb",
            x"282f3ab1f63e190ceca2322c5caf034b23f541fb6aa1fff44ebd2ca211b98b3c",
            x"ebe95c7737021b15415e39b99098c0923c81b3166cb5d6a703bc10ca7a275615",
            x"589a7a71806893049305255cb787ecf77f8c2cf25ad0f46ec9f74d6741036358",
            x"9fd911acc6ea924f1c295765645e387d66901507f7fa7e4e8bfd8da061483c3f",
            x"8565738a2fbd5dba8636bfd89672c29d537c6a65c8deb42fe25412a6cf1d2172",
            x"c1e49937f1dd0feedf43a6152d87c08452a722426da4285cda338322ef83889b",
            x"d44c5350b1ce05be71dbdff6d9480d486a50ac1ed23514bb23a49e658c1dd951",
            x"048e72df7cc4fc2d288e844edc4f2551ec7b1c7d2eff19b34957542330253e6d",
            x"cd396510d80578bb19a6e30566173536a9b578ade914d80daebc10100aab0c99",
            x"a744b81c01a47766dd2ba9793b834c3784ccd978ff3ae69cd8393bb188698891",
            x"fde7dffe728493503b06cf3e6887223ff24704911efa3f4e2b2bf6a6e4ec6985",
            x"05346b276a2399a18301c034555517c0020c93e4518cc8022461a5edc9d666f8",
            x"b403116b87c4779096061f3c2af4f628b344c771c5e2ae1fe06c0ebb09deabe2",
            x"330604d9d3d54d0eb98a74bcea1031a07f47c562d1758fa3e911423d9ac72f34",
            x"a476a40c2e6e6e2aca3dc3c2e5614e63d7c237566a77ca3c4bb1404b0396b42e",
            x"298cccd00f9e7f349be872e74934d0b7c492203220ac928e760071df5dac3136",
            x"a96d16c70a38431f1242dc81dbbee6821b975dd052476d543b4425fcdc6d8c82",
            x"50f6082fb47d80045bd23d6a5f760657707be5606c7c067d44dfdc62e34b6f9b",
            x"b70b33f0dd1578a1f02120799c87d8b9236277308b39e351b6b5c57cc8bc6bdd",
            x"fdfc2957c69699ad602f21f47c336b099051a39c354ab0486bbe80bfa7fe2d12",
            x"15ae86d4c88bbc77c72da11c0cfd22a7c4397e309861f710b7a540682fb0e227",
            x"05ae27de0cb9e9ba300fbacb006b07afc88c2e13ba5a7592b46626b843b1aa5b",
            x"66841fa3a5c96927dbf6c9574c5c70bcea6b74c00dfed31dbdc920b21a98b349",
            x"7f790e32553025519e3c76e2b88c4d3896c7f3b912dce2f8353ebe55be1ef793",
            x"47ba971e50c1c0c5a5708454272e28d8a4556348e7818380f36b6b165f8434ca",
            x"be11f326ea16f673048d73d5ee0d663cbececa771ff5e8c581c4af5edb658f10",
            x"676c0b33ea6a0c5efb33b93c002c79980fdcb89b80d8ed23ad4d0f8b6ddc6f32",
            x"74ce70a8c3cad5e82a1f34de69db13f21ba5b909b07de6fec059cbdfccef035e",
            x"cfebe5a2d20fada3460e22b556f0979a16c7ba8e303420843b236ba9f2d7ff47",
            x"a6e03a391581a66b54d7f04fe05505555f89b6b8ebb52ba6068671a37c1ee9c0",
            x"46641819e0de564041dcd047d58199861a1c3b791007b7e94525f7f9eb0608e8",
            x"ecc965e13a8f42bb7d531866f78876e38c866d938c84299080f84d2e630c510c",
            x"656b4ac5cfe596e427ce4412cc0f4fb9f88dd09d5998b0bf9515b58bbefdef35",
            x"9e6dac64b1f5486eb032d3e4f7a2f4b5055aa2eccda94efd9566f39ccd4d616c",
            x"dc9687bc99be44971bb3e4cfff0ca4b8deb89fd29f69fed7158ff92a1296538c",
            x"d7bdd6f73e7d7c4eb89468a18d36b67bc133b163e6af92b625d154f47d69cfc2",
            x"1c25f6c9d3531036c503a244f0a5c579f509cd177d48593561f7dcdae6004e09",
            x"504a85659cb5d8e49c7eff50c1c2715e95a6035dab39757df203ce85990d480a",
            x"db5448753ff128188a4e3efd618aa317ca86648368f354337bb8a914620175fd",
            x"522097c4c20db4a8f854e51191d1a76b9214482a5d958e193d2bcfc54b2da28d",
            x"2ff9fbfd24d6f1956a1476bc52ea560807b26b789f3e776c91f858a0e8d4ccfa",
            x"df77d7869027c7b676d15ac3b62fa7535c38724f77f3d72bdf4bca091d5215c8",
        ],
    )
}

#[test]
fun inclusion_large_lone_last_after_two_to_63() {
    merkle::assert_inclusion(
        x"4555bbc33f18155251be9fa005e54eeed8ec003499f20679c5149a8123deb939",
        9223372036854775808,
        9223372036854775809,
        x"4a1e4f9307a5634555a931b0c7541f67f23bb8957bcd2f538872896955508133",
        vector[
            x"12192f3f04a8c36e41bbebe905f10b1a944d1e8d2d2e0acdffe20d82c5e310bc",
        ],
    )
}

#[test]
fun inclusion_large_mixed() {
    merkle::assert_inclusion(
        x"3f8fee624f43b2a9d685353269a0ab3eac785863ab6227636db1060fba1855e0",
        81985529216486895,
        18364758544493064720,
        x"90bed25b2638a897d83c8139af2b8f68520d970b187cbdf9a035944621ba22a3",
        vector[
            x"c639c2e9f466e0206adbb44eb1a82a66cc4416656b4eb8da2db8a684974adf6d",
            x"4ceea1441531993a5c2cdc566a5d4db051968be3ae7da12aff2d17720c6add27",
            x"7d02ecb9d750f83aa5d01b546b338e5f59654e9f90f1c524ac30a7f1d1c7c140",
            x"506cb75aab7c9b2812b84a05027c56c71891c3e005c7f6ba63e561e7c34ceae1",
            x"25ce288dd546979086d8e419241fa3ad569f1d60c5ae8695d738be252e3ed326",
            x"f615f07c5111cc850f4a0238f3cd6bc5d2ad13c71ae832797dc40cac24d848dc",
            x"a03ef0eea51d18d307c8c2354abb1bb73528227aa8f30354053da4d559f119f3",
            x"52982c4764ea54c23fd855b14d42151d89ea6d66d3bca01b7ad4d4b2875d14a8",
            x"02d9e544bd7e5b89346ecf950813762c3b3dcd8ff2a984d1f8abb6194490301c",
            x"7ebc427608bdaca17cf13bf3b566d9c5023269f6a5eaf8fbd87ac1a3c984fa3f",
            x"ed133a4b4827a2f054f16f076bb5fba51e96830870d1efa8f6a489faca175cb9",
            x"8e8bfb210f30bd63b05543d13008454e12516a28b055a1dcf0322bcbb81d6a4d",
            x"5d015d6c4efc9922a7ddb935ac0b541cb4ec2c204580e6b009268fc834111fa2",
            x"918bd3f0479a6f7dee85f592b8f7cae8c84d1237193125d37d9fdf64b2fc53bd",
            x"6e1183b3feba93a34a70a4513750dd954dd16bd10bccd1d8dd6da34fb9e54af5",
            x"479898c47166fb3874ee82a7bf12902f88a708ed4ba03204f24d59f4e7a5d205",
            x"feb177aa8f0db483b431676ad55a718022ed35db270652d776df47c42536e788",
            x"e0f37c4bca2996ae397c1771efb3e7105e8a170d2b018745de75204382e98bbc",
            x"87a4db9f7da979fafe507e8e3852c60c8937bda316ab6c9fbcc4a41d76be186d",
            x"a144a21c8e97e11d1d44dc2c63e0fcd9d7af30f3bb6550b0b8b04fcfcb7e9e60",
            x"09378ccd1a245c44c89c51e571b7529ae253965128ae40ea1107b99e1654856b",
            x"7a67218989743571c79bbb8f1310fc53cadf35880063ee9017d29dc0899c0360",
            x"9002f81faf34fcc1fb328a3ffbdaa596236b4701a5e72b44e425180f35d1dde6",
            x"758ab683aec28f4a6029cdebeb9a098c503a29e933fc1e1bc940509f079b8801",
            x"f5c0d682627eb177d7c9ab6e2a147b92fbc4a27383f4b3728fe34ab6dabcca3c",
            x"18f0e0287f135b70c6bc5eb19912ef13ff489611c8e6161a98474e3da351cfae",
            x"771e62eb750d0fa856a92cf24a753f3ce0109056cccb1d853e3c64f8f11c1bb9",
            x"b2e67971b8dab061e461cd375ba68b759fd57bdb0af97f4e74ad3c32970aafab",
            x"07eb5baba2ebeeecc947c543d6f5bc803c254e806ca81c0ab1a4e5fc066b934b",
            x"0b1c0b1888c62d1c8dfd2d45f9a50fd0cd4d23196902d13bf84e63b56456e401",
            x"23401517ede034bb0d270dadcbe6429f67f9770eb19439fd8147f1ca7d8a0e5e",
            x"410808cf92b00436437fe554601916e72967cdf293e2a5f33010ee498377f948",
            x"a6e68eba352ed5622f7a896f0aa66cf14dffab3efbc9211be2aa85ca1957ba68",
            x"c31e38d82df59939605fa8678089c6583e4f2ffd763858c79616ca8f5b0518ac",
            x"fdcf981e6b7058f1b6cb81c27a9217247ac547e5c1f9f55442f3bbdeca45c516",
            x"35165e30fcd07a076037c45bfda20956ceb8d61102421feba41d811f96c30b85",
            x"bdc1f239f4cf6fa0fdea801e0f887c7b4cf7a95062a66e566639209b8b8811cc",
            x"41568dd9e09e6ae5a9bba798977588cbcd4aa6f00f1ad768ec0ccd05856cdff6",
            x"f115d249ee0a8f7e0bce311917abf54c9f1abafaf30160b602d3230ad59b0f09",
            x"5ce3e4147223c543f6b74e1f6c10007d13eaae5caa3ec1b26076d7496ae8e6e6",
            x"987fef9aca648bcbbb01c517735cb5ca79f6bda35237b16be01455c729c0afbc",
            x"9ebc9cdab1802738617cdecc82e2485d2cb2e743a19cdd1f879071a77d0a451f",
            x"db73021a4ad2c767f14d382459c36c8d8743a6802430ddecb7e512d9b8018e82",
            x"fad1fd08de38b8ee88c65fb56d1af9ce436ecc11f6fed664de13b20eb55c3ef0",
            x"2ed1dffceffcfdb482f436349f61a7a8df517e8b308445305c7728f893be2203",
            x"d7131a3d3256ef01c24117f5f5982e51492b68cb9a767873a60e551503ac8c85",
            x"0759b546410cca87327cd38d401755598edf3c13eb33acf396f952e536302d1e",
            x"5bba75ef984910ec770f611f7fcd6bfce5cc038e334ae47331813b96c98123dd",
            x"657300d19cdff63f91c7bad7b49ff08f3c8e321203d5b8cd9969e4dce8dfb8ff",
            x"eb42dd452ea23b178d9b5f71835d6a9f2d295538a11e55d15e0ec1f97ba8f156",
            x"01a74b77f9171f94cedeb034c9e4102e4ba3a2d9563c3181a98ee1e624859063",
            x"3f9eed3e13cf9308ab94b4e4579f04550b9dcd1208d1feaca26677bcab42f41a",
            x"49a97da55a92229335983310ecd3ef553913ba1bd2d402b0915a5d7419d08a12",
            x"821ad4292dd74614d0942ce8443702bf44ae4c4441aba491a7b661b07d4248fa",
            x"d1f46819f2d983c8b66bfb8826941790074c29e06586ab5c25c9b28cac2553ca",
            x"428e54c6f1510490321cf13858843d8cbbba614f0574e9ba02af27286ec04885",
            x"d5b074fcf574a6570f92fb5003005019bbeb8fe356bfe6579d3dc739b17d0925",
            x"7c482ec9b483f32cebf84effec78c35a017a8d51e1c404a6d7fccea66e4dcdb1",
            x"d52249e5dac77b30fcd68abe00ac91df369d5c8f5224aa7b261ea16e7b645205",
            x"3f91d1615f24fb621953f40f6850ea487e043edaba2a51405b8a073eec0a7b3f",
            x"a8625503662b5469b48fc5470b25b074fcea6a8a05df5d2d3196fcecf68b5c8f",
            x"f1650f052d251ecfb8faf1f296e994d1ee6d465348f718daa0a6f8446c48d630",
            x"dad43132713bdd6fda71f540f1874d68fc66e5babfb0f3899e0d003e30bf32ad",
            x"72a4ac478ea3aa4184ae7ef65ed0b0cffa0b280a2000f895547f473304ad7ec2",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun inclusion_large_mixed_flipped() {
    merkle::assert_inclusion(
        x"3f8fee624f43b2a9d685353269a0ab3eac785863ab6227636db1060fba1855e0",
        81985529216486895,
        18364758544493064720,
        x"90bed25b2638a897d83c8139af2b8f68520d970b187cbdf9a035944621ba22a3",
        vector[
            x"c739c2e9f466e0206adbb44eb1a82a66cc4416656b4eb8da2db8a684974adf6d",
            x"4ceea1441531993a5c2cdc566a5d4db051968be3ae7da12aff2d17720c6add27",
            x"7d02ecb9d750f83aa5d01b546b338e5f59654e9f90f1c524ac30a7f1d1c7c140",
            x"506cb75aab7c9b2812b84a05027c56c71891c3e005c7f6ba63e561e7c34ceae1",
            x"25ce288dd546979086d8e419241fa3ad569f1d60c5ae8695d738be252e3ed326",
            x"f615f07c5111cc850f4a0238f3cd6bc5d2ad13c71ae832797dc40cac24d848dc",
            x"a03ef0eea51d18d307c8c2354abb1bb73528227aa8f30354053da4d559f119f3",
            x"52982c4764ea54c23fd855b14d42151d89ea6d66d3bca01b7ad4d4b2875d14a8",
            x"02d9e544bd7e5b89346ecf950813762c3b3dcd8ff2a984d1f8abb6194490301c",
            x"7ebc427608bdaca17cf13bf3b566d9c5023269f6a5eaf8fbd87ac1a3c984fa3f",
            x"ed133a4b4827a2f054f16f076bb5fba51e96830870d1efa8f6a489faca175cb9",
            x"8e8bfb210f30bd63b05543d13008454e12516a28b055a1dcf0322bcbb81d6a4d",
            x"5d015d6c4efc9922a7ddb935ac0b541cb4ec2c204580e6b009268fc834111fa2",
            x"918bd3f0479a6f7dee85f592b8f7cae8c84d1237193125d37d9fdf64b2fc53bd",
            x"6e1183b3feba93a34a70a4513750dd954dd16bd10bccd1d8dd6da34fb9e54af5",
            x"479898c47166fb3874ee82a7bf12902f88a708ed4ba03204f24d59f4e7a5d205",
            x"feb177aa8f0db483b431676ad55a718022ed35db270652d776df47c42536e788",
            x"e0f37c4bca2996ae397c1771efb3e7105e8a170d2b018745de75204382e98bbc",
            x"87a4db9f7da979fafe507e8e3852c60c8937bda316ab6c9fbcc4a41d76be186d",
            x"a144a21c8e97e11d1d44dc2c63e0fcd9d7af30f3bb6550b0b8b04fcfcb7e9e60",
            x"09378ccd1a245c44c89c51e571b7529ae253965128ae40ea1107b99e1654856b",
            x"7a67218989743571c79bbb8f1310fc53cadf35880063ee9017d29dc0899c0360",
            x"9002f81faf34fcc1fb328a3ffbdaa596236b4701a5e72b44e425180f35d1dde6",
            x"758ab683aec28f4a6029cdebeb9a098c503a29e933fc1e1bc940509f079b8801",
            x"f5c0d682627eb177d7c9ab6e2a147b92fbc4a27383f4b3728fe34ab6dabcca3c",
            x"18f0e0287f135b70c6bc5eb19912ef13ff489611c8e6161a98474e3da351cfae",
            x"771e62eb750d0fa856a92cf24a753f3ce0109056cccb1d853e3c64f8f11c1bb9",
            x"b2e67971b8dab061e461cd375ba68b759fd57bdb0af97f4e74ad3c32970aafab",
            x"07eb5baba2ebeeecc947c543d6f5bc803c254e806ca81c0ab1a4e5fc066b934b",
            x"0b1c0b1888c62d1c8dfd2d45f9a50fd0cd4d23196902d13bf84e63b56456e401",
            x"23401517ede034bb0d270dadcbe6429f67f9770eb19439fd8147f1ca7d8a0e5e",
            x"410808cf92b00436437fe554601916e72967cdf293e2a5f33010ee498377f948",
            x"a6e68eba352ed5622f7a896f0aa66cf14dffab3efbc9211be2aa85ca1957ba68",
            x"c31e38d82df59939605fa8678089c6583e4f2ffd763858c79616ca8f5b0518ac",
            x"fdcf981e6b7058f1b6cb81c27a9217247ac547e5c1f9f55442f3bbdeca45c516",
            x"35165e30fcd07a076037c45bfda20956ceb8d61102421feba41d811f96c30b85",
            x"bdc1f239f4cf6fa0fdea801e0f887c7b4cf7a95062a66e566639209b8b8811cc",
            x"41568dd9e09e6ae5a9bba798977588cbcd4aa6f00f1ad768ec0ccd05856cdff6",
            x"f115d249ee0a8f7e0bce311917abf54c9f1abafaf30160b602d3230ad59b0f09",
            x"5ce3e4147223c543f6b74e1f6c10007d13eaae5caa3ec1b26076d7496ae8e6e6",
            x"987fef9aca648bcbbb01c517735cb5ca79f6bda35237b16be01455c729c0afbc",
            x"9ebc9cdab1802738617cdecc82e2485d2cb2e743a19cdd1f879071a77d0a451f",
            x"db73021a4ad2c767f14d382459c36c8d8743a6802430ddecb7e512d9b8018e82",
            x"fad1fd08de38b8ee88c65fb56d1af9ce436ecc11f6fed664de13b20eb55c3ef0",
            x"2ed1dffceffcfdb482f436349f61a7a8df517e8b308445305c7728f893be2203",
            x"d7131a3d3256ef01c24117f5f5982e51492b68cb9a767873a60e551503ac8c85",
            x"0759b546410cca87327cd38d401755598edf3c13eb33acf396f952e536302d1e",
            x"5bba75ef984910ec770f611f7fcd6bfce5cc038e334ae47331813b96c98123dd",
            x"657300d19cdff63f91c7bad7b49ff08f3c8e321203d5b8cd9969e4dce8dfb8ff",
            x"eb42dd452ea23b178d9b5f71835d6a9f2d295538a11e55d15e0ec1f97ba8f156",
            x"01a74b77f9171f94cedeb034c9e4102e4ba3a2d9563c3181a98ee1e624859063",
            x"3f9eed3e13cf9308ab94b4e4579f04550b9dcd1208d1feaca26677bcab42f41a",
            x"49a97da55a92229335983310ecd3ef553913ba1bd2d402b0915a5d7419d08a12",
            x"821ad4292dd74614d0942ce8443702bf44ae4c4441aba491a7b661b07d4248fa",
            x"d1f46819f2d983c8b66bfb8826941790074c29e06586ab5c25c9b28cac2553ca",
            x"428e54c6f1510490321cf13858843d8cbbba614f0574e9ba02af27286ec04885",
            x"d5b074fcf574a6570f92fb5003005019bbeb8fe356bfe6579d3dc739b17d0925",
            x"7c482ec9b483f32cebf84effec78c35a017a8d51e1c404a6d7fccea66e4dcdb1",
            x"d52249e5dac77b30fcd68abe00ac91df369d5c8f5224aa7b261ea16e7b645205",
            x"3f91d1615f24fb621953f40f6850ea487e043edaba2a51405b8a073eec0a7b3f",
            x"a8625503662b5469b48fc5470b25b074fcea6a8a05df5d2d3196fcecf68b5c8f",
            x"f1650f052d251ecfb8faf1f296e994d1ee6d465348f718daa0a6f8446c48d630",
            x"dad43132713bdd6fda71f540f1874d68fc66e5babfb0f3899e0d003e30bf32ad",
            x"72a4ac478ea3aa4184ae7ef65ed0b0cffa0b280a2000f895547f473304ad7ec2",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_large_mixed_missing() {
    merkle::assert_inclusion(
        x"3f8fee624f43b2a9d685353269a0ab3eac785863ab6227636db1060fba1855e0",
        81985529216486895,
        18364758544493064720,
        x"90bed25b2638a897d83c8139af2b8f68520d970b187cbdf9a035944621ba22a3",
        vector[
            x"4ceea1441531993a5c2cdc566a5d4db051968be3ae7da12aff2d17720c6add27",
            x"7d02ecb9d750f83aa5d01b546b338e5f59654e9f90f1c524ac30a7f1d1c7c140",
            x"506cb75aab7c9b2812b84a05027c56c71891c3e005c7f6ba63e561e7c34ceae1",
            x"25ce288dd546979086d8e419241fa3ad569f1d60c5ae8695d738be252e3ed326",
            x"f615f07c5111cc850f4a0238f3cd6bc5d2ad13c71ae832797dc40cac24d848dc",
            x"a03ef0eea51d18d307c8c2354abb1bb73528227aa8f30354053da4d559f119f3",
            x"52982c4764ea54c23fd855b14d42151d89ea6d66d3bca01b7ad4d4b2875d14a8",
            x"02d9e544bd7e5b89346ecf950813762c3b3dcd8ff2a984d1f8abb6194490301c",
            x"7ebc427608bdaca17cf13bf3b566d9c5023269f6a5eaf8fbd87ac1a3c984fa3f",
            x"ed133a4b4827a2f054f16f076bb5fba51e96830870d1efa8f6a489faca175cb9",
            x"8e8bfb210f30bd63b05543d13008454e12516a28b055a1dcf0322bcbb81d6a4d",
            x"5d015d6c4efc9922a7ddb935ac0b541cb4ec2c204580e6b009268fc834111fa2",
            x"918bd3f0479a6f7dee85f592b8f7cae8c84d1237193125d37d9fdf64b2fc53bd",
            x"6e1183b3feba93a34a70a4513750dd954dd16bd10bccd1d8dd6da34fb9e54af5",
            x"479898c47166fb3874ee82a7bf12902f88a708ed4ba03204f24d59f4e7a5d205",
            x"feb177aa8f0db483b431676ad55a718022ed35db270652d776df47c42536e788",
            x"e0f37c4bca2996ae397c1771efb3e7105e8a170d2b018745de75204382e98bbc",
            x"87a4db9f7da979fafe507e8e3852c60c8937bda316ab6c9fbcc4a41d76be186d",
            x"a144a21c8e97e11d1d44dc2c63e0fcd9d7af30f3bb6550b0b8b04fcfcb7e9e60",
            x"09378ccd1a245c44c89c51e571b7529ae253965128ae40ea1107b99e1654856b",
            x"7a67218989743571c79bbb8f1310fc53cadf35880063ee9017d29dc0899c0360",
            x"9002f81faf34fcc1fb328a3ffbdaa596236b4701a5e72b44e425180f35d1dde6",
            x"758ab683aec28f4a6029cdebeb9a098c503a29e933fc1e1bc940509f079b8801",
            x"f5c0d682627eb177d7c9ab6e2a147b92fbc4a27383f4b3728fe34ab6dabcca3c",
            x"18f0e0287f135b70c6bc5eb19912ef13ff489611c8e6161a98474e3da351cfae",
            x"771e62eb750d0fa856a92cf24a753f3ce0109056cccb1d853e3c64f8f11c1bb9",
            x"b2e67971b8dab061e461cd375ba68b759fd57bdb0af97f4e74ad3c32970aafab",
            x"07eb5baba2ebeeecc947c543d6f5bc803c254e806ca81c0ab1a4e5fc066b934b",
            x"0b1c0b1888c62d1c8dfd2d45f9a50fd0cd4d23196902d13bf84e63b56456e401",
            x"23401517ede034bb0d270dadcbe6429f67f9770eb19439fd8147f1ca7d8a0e5e",
            x"410808cf92b00436437fe554601916e72967cdf293e2a5f33010ee498377f948",
            x"a6e68eba352ed5622f7a896f0aa66cf14dffab3efbc9211be2aa85ca1957ba68",
            x"c31e38d82df59939605fa8678089c6583e4f2ffd763858c79616ca8f5b0518ac",
            x"fdcf981e6b7058f1b6cb81c27a9217247ac547e5c1f9f55442f3bbdeca45c516",
            x"35165e30fcd07a076037c45bfda20956ceb8d61102421feba41d811f96c30b85",
            x"bdc1f239f4cf6fa0fdea801e0f887c7b4cf7a95062a66e566639209b8b8811cc",
            x"41568dd9e09e6ae5a9bba798977588cbcd4aa6f00f1ad768ec0ccd05856cdff6",
            x"f115d249ee0a8f7e0bce311917abf54c9f1abafaf30160b602d3230ad59b0f09",
            x"5ce3e4147223c543f6b74e1f6c10007d13eaae5caa3ec1b26076d7496ae8e6e6",
            x"987fef9aca648bcbbb01c517735cb5ca79f6bda35237b16be01455c729c0afbc",
            x"9ebc9cdab1802738617cdecc82e2485d2cb2e743a19cdd1f879071a77d0a451f",
            x"db73021a4ad2c767f14d382459c36c8d8743a6802430ddecb7e512d9b8018e82",
            x"fad1fd08de38b8ee88c65fb56d1af9ce436ecc11f6fed664de13b20eb55c3ef0",
            x"2ed1dffceffcfdb482f436349f61a7a8df517e8b308445305c7728f893be2203",
            x"d7131a3d3256ef01c24117f5f5982e51492b68cb9a767873a60e551503ac8c85",
            x"0759b546410cca87327cd38d401755598edf3c13eb33acf396f952e536302d1e",
            x"5bba75ef984910ec770f611f7fcd6bfce5cc038e334ae47331813b96c98123dd",
            x"657300d19cdff63f91c7bad7b49ff08f3c8e321203d5b8cd9969e4dce8dfb8ff",
            x"eb42dd452ea23b178d9b5f71835d6a9f2d295538a11e55d15e0ec1f97ba8f156",
            x"01a74b77f9171f94cedeb034c9e4102e4ba3a2d9563c3181a98ee1e624859063",
            x"3f9eed3e13cf9308ab94b4e4579f04550b9dcd1208d1feaca26677bcab42f41a",
            x"49a97da55a92229335983310ecd3ef553913ba1bd2d402b0915a5d7419d08a12",
            x"821ad4292dd74614d0942ce8443702bf44ae4c4441aba491a7b661b07d4248fa",
            x"d1f46819f2d983c8b66bfb8826941790074c29e06586ab5c25c9b28cac2553ca",
            x"428e54c6f1510490321cf13858843d8cbbba614f0574e9ba02af27286ec04885",
            x"d5b074fcf574a6570f92fb5003005019bbeb8fe356bfe6579d3dc739b17d0925",
            x"7c482ec9b483f32cebf84effec78c35a017a8d51e1c404a6d7fccea66e4dcdb1",
            x"d52249e5dac77b30fcd68abe00ac91df369d5c8f5224aa7b261ea16e7b645205",
            x"3f91d1615f24fb621953f40f6850ea487e043edaba2a51405b8a073eec0a7b3f",
            x"a8625503662b5469b48fc5470b25b074fcea6a8a05df5d2d3196fcecf68b5c8f",
            x"f1650f052d251ecfb8faf1f296e994d1ee6d465348f718daa0a6f8446c48d630",
            x"dad43132713bdd6fda71f540f1874d68fc66e5babfb0f3899e0d003e30bf32ad",
            x"72a4ac478ea3aa4184ae7ef65ed0b0cffa0b280a2000f895547f473304ad7ec2",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun inclusion_large_mixed_extra() {
    merkle::assert_inclusion(
        x"3f8fee624f43b2a9d685353269a0ab3eac785863ab6227636db1060fba1855e0",
        81985529216486895,
        18364758544493064720,
        x"90bed25b2638a897d83c8139af2b8f68520d970b187cbdf9a035944621ba22a3",
        vector[
            x"c639c2e9f466e0206adbb44eb1a82a66cc4416656b4eb8da2db8a684974adf6d",
            x"4ceea1441531993a5c2cdc566a5d4db051968be3ae7da12aff2d17720c6add27",
            x"7d02ecb9d750f83aa5d01b546b338e5f59654e9f90f1c524ac30a7f1d1c7c140",
            x"506cb75aab7c9b2812b84a05027c56c71891c3e005c7f6ba63e561e7c34ceae1",
            x"25ce288dd546979086d8e419241fa3ad569f1d60c5ae8695d738be252e3ed326",
            x"f615f07c5111cc850f4a0238f3cd6bc5d2ad13c71ae832797dc40cac24d848dc",
            x"a03ef0eea51d18d307c8c2354abb1bb73528227aa8f30354053da4d559f119f3",
            x"52982c4764ea54c23fd855b14d42151d89ea6d66d3bca01b7ad4d4b2875d14a8",
            x"02d9e544bd7e5b89346ecf950813762c3b3dcd8ff2a984d1f8abb6194490301c",
            x"7ebc427608bdaca17cf13bf3b566d9c5023269f6a5eaf8fbd87ac1a3c984fa3f",
            x"ed133a4b4827a2f054f16f076bb5fba51e96830870d1efa8f6a489faca175cb9",
            x"8e8bfb210f30bd63b05543d13008454e12516a28b055a1dcf0322bcbb81d6a4d",
            x"5d015d6c4efc9922a7ddb935ac0b541cb4ec2c204580e6b009268fc834111fa2",
            x"918bd3f0479a6f7dee85f592b8f7cae8c84d1237193125d37d9fdf64b2fc53bd",
            x"6e1183b3feba93a34a70a4513750dd954dd16bd10bccd1d8dd6da34fb9e54af5",
            x"479898c47166fb3874ee82a7bf12902f88a708ed4ba03204f24d59f4e7a5d205",
            x"feb177aa8f0db483b431676ad55a718022ed35db270652d776df47c42536e788",
            x"e0f37c4bca2996ae397c1771efb3e7105e8a170d2b018745de75204382e98bbc",
            x"87a4db9f7da979fafe507e8e3852c60c8937bda316ab6c9fbcc4a41d76be186d",
            x"a144a21c8e97e11d1d44dc2c63e0fcd9d7af30f3bb6550b0b8b04fcfcb7e9e60",
            x"09378ccd1a245c44c89c51e571b7529ae253965128ae40ea1107b99e1654856b",
            x"7a67218989743571c79bbb8f1310fc53cadf35880063ee9017d29dc0899c0360",
            x"9002f81faf34fcc1fb328a3ffbdaa596236b4701a5e72b44e425180f35d1dde6",
            x"758ab683aec28f4a6029cdebeb9a098c503a29e933fc1e1bc940509f079b8801",
            x"f5c0d682627eb177d7c9ab6e2a147b92fbc4a27383f4b3728fe34ab6dabcca3c",
            x"18f0e0287f135b70c6bc5eb19912ef13ff489611c8e6161a98474e3da351cfae",
            x"771e62eb750d0fa856a92cf24a753f3ce0109056cccb1d853e3c64f8f11c1bb9",
            x"b2e67971b8dab061e461cd375ba68b759fd57bdb0af97f4e74ad3c32970aafab",
            x"07eb5baba2ebeeecc947c543d6f5bc803c254e806ca81c0ab1a4e5fc066b934b",
            x"0b1c0b1888c62d1c8dfd2d45f9a50fd0cd4d23196902d13bf84e63b56456e401",
            x"23401517ede034bb0d270dadcbe6429f67f9770eb19439fd8147f1ca7d8a0e5e",
            x"410808cf92b00436437fe554601916e72967cdf293e2a5f33010ee498377f948",
            x"a6e68eba352ed5622f7a896f0aa66cf14dffab3efbc9211be2aa85ca1957ba68",
            x"c31e38d82df59939605fa8678089c6583e4f2ffd763858c79616ca8f5b0518ac",
            x"fdcf981e6b7058f1b6cb81c27a9217247ac547e5c1f9f55442f3bbdeca45c516",
            x"35165e30fcd07a076037c45bfda20956ceb8d61102421feba41d811f96c30b85",
            x"bdc1f239f4cf6fa0fdea801e0f887c7b4cf7a95062a66e566639209b8b8811cc",
            x"41568dd9e09e6ae5a9bba798977588cbcd4aa6f00f1ad768ec0ccd05856cdff6",
            x"f115d249ee0a8f7e0bce311917abf54c9f1abafaf30160b602d3230ad59b0f09",
            x"5ce3e4147223c543f6b74e1f6c10007d13eaae5caa3ec1b26076d7496ae8e6e6",
            x"987fef9aca648bcbbb01c517735cb5ca79f6bda35237b16be01455c729c0afbc",
            x"9ebc9cdab1802738617cdecc82e2485d2cb2e743a19cdd1f879071a77d0a451f",
            x"db73021a4ad2c767f14d382459c36c8d8743a6802430ddecb7e512d9b8018e82",
            x"fad1fd08de38b8ee88c65fb56d1af9ce436ecc11f6fed664de13b20eb55c3ef0",
            x"2ed1dffceffcfdb482f436349f61a7a8df517e8b308445305c7728f893be2203",
            x"d7131a3d3256ef01c24117f5f5982e51492b68cb9a767873a60e551503ac8c85",
            x"0759b546410cca87327cd38d401755598edf3c13eb33acf396f952e536302d1e",
            x"5bba75ef984910ec770f611f7fcd6bfce5cc038e334ae47331813b96c98123dd",
            x"657300d19cdff63f91c7bad7b49ff08f3c8e321203d5b8cd9969e4dce8dfb8ff",
            x"eb42dd452ea23b178d9b5f71835d6a9f2d295538a11e55d15e0ec1f97ba8f156",
            x"01a74b77f9171f94cedeb034c9e4102e4ba3a2d9563c3181a98ee1e624859063",
            x"3f9eed3e13cf9308ab94b4e4579f04550b9dcd1208d1feaca26677bcab42f41a",
            x"49a97da55a92229335983310ecd3ef553913ba1bd2d402b0915a5d7419d08a12",
            x"821ad4292dd74614d0942ce8443702bf44ae4c4441aba491a7b661b07d4248fa",
            x"d1f46819f2d983c8b66bfb8826941790074c29e06586ab5c25c9b28cac2553ca",
            x"428e54c6f1510490321cf13858843d8cbbba614f0574e9ba02af27286ec04885",
            x"d5b074fcf574a6570f92fb5003005019bbeb8fe356bfe6579d3dc739b17d0925",
            x"7c482ec9b483f32cebf84effec78c35a017a8d51e1c404a6d7fccea66e4dcdb1",
            x"d52249e5dac77b30fcd68abe00ac91df369d5c8f5224aa7b261ea16e7b645205",
            x"3f91d1615f24fb621953f40f6850ea487e043edaba2a51405b8a073eec0a7b3f",
            x"a8625503662b5469b48fc5470b25b074fcea6a8a05df5d2d3196fcecf68b5c8f",
            x"f1650f052d251ecfb8faf1f296e994d1ee6d465348f718daa0a6f8446c48d630",
            x"dad43132713bdd6fda71f540f1874d68fc66e5babfb0f3899e0d003e30bf32ad",
            x"72a4ac478ea3aa4184ae7ef65ed0b0cffa0b280a2000f895547f473304ad7ec2",
            x"c639c2e9f466e0206adbb44eb1a82a66cc4416656b4eb8da2db8a684974adf6d",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun inclusion_large_index_max_of_max() {
    merkle::assert_inclusion(
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        18446744073709551615,
        18446744073709551615,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        vector[],
    )
}

#[test]
fun consistency_from_0_to_0() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        vector[],
    )
}

#[test]
fun consistency_from_0_to_1() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        vector[],
    )
}

#[test]
fun consistency_from_1_to_1() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        vector[],
    )
}

#[test]
fun consistency_from_0_to_2() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        2,
        x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        vector[],
    )
}

#[test]
fun consistency_from_1_to_2() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2,
        x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        ],
    )
}

#[test]
fun consistency_from_2_to_2() {
    merkle::assert_consistency(
        2,
        x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        2,
        x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        vector[],
    )
}

#[test]
fun consistency_from_0_to_3() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[],
    )
}

#[test]
fun consistency_from_1_to_3() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        ],
    )
}

#[test]
fun consistency_from_2_to_3() {
    merkle::assert_consistency(
        2,
        x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        ],
    )
}

#[test]
fun consistency_from_3_to_3() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[],
    )
}

#[test]
fun consistency_from_0_to_4() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        vector[],
    )
}

#[test]
fun consistency_from_1_to_4() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        ],
    )
}

#[test]
fun consistency_from_2_to_4() {
    merkle::assert_consistency(
        2,
        x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        vector[
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        ],
    )
}

#[test]
fun consistency_from_3_to_4() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test]
fun consistency_from_4_to_4() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        vector[],
    )
}

#[test]
fun consistency_from_0_to_5() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        5,
        x"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        vector[],
    )
}

#[test]
fun consistency_from_1_to_5() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        5,
        x"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    )
}

#[test]
fun consistency_from_2_to_5() {
    merkle::assert_consistency(
        2,
        x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        5,
        x"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        vector[
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    )
}

#[test]
fun consistency_from_3_to_5() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        5,
        x"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    )
}

#[test]
fun consistency_from_4_to_5() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        5,
        x"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    )
}

#[test]
fun consistency_from_5_to_5() {
    merkle::assert_consistency(
        5,
        x"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        5,
        x"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        vector[],
    )
}

#[test]
fun consistency_from_0_to_6() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        vector[],
    )
}

#[test]
fun consistency_from_1_to_6() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        ],
    )
}

#[test]
fun consistency_from_2_to_6() {
    merkle::assert_consistency(
        2,
        x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        vector[
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        ],
    )
}

#[test]
fun consistency_from_3_to_6() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        ],
    )
}

#[test]
fun consistency_from_4_to_6() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        ],
    )
}

#[test]
fun consistency_from_5_to_6() {
    merkle::assert_consistency(
        5,
        x"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test]
fun consistency_from_6_to_6() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        vector[],
    )
}

#[test]
fun consistency_from_0_to_7() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[],
    )
}

#[test]
fun consistency_from_1_to_7() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test]
fun consistency_from_2_to_7() {
    merkle::assert_consistency(
        2,
        x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test]
fun consistency_from_3_to_7() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test]
fun consistency_from_4_to_7() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test]
fun consistency_from_5_to_7() {
    merkle::assert_consistency(
        5,
        x"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test]
fun consistency_from_6_to_7() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test]
fun consistency_from_7_to_7() {
    merkle::assert_consistency(
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[],
    )
}

#[test]
fun consistency_from_0_to_8() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[],
    )
}

#[test]
fun consistency_from_1_to_8() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test]
fun consistency_from_2_to_8() {
    merkle::assert_consistency(
        2,
        x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test]
fun consistency_from_3_to_8() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test]
fun consistency_from_4_to_8() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test]
fun consistency_from_5_to_8() {
    merkle::assert_consistency(
        5,
        x"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            x"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test]
fun consistency_from_6_to_8() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test]
fun consistency_from_7_to_8() {
    merkle::assert_consistency(
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            x"46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1",
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test]
fun consistency_from_8_to_8() {
    merkle::assert_consistency(
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_0_to_0_extra_first() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        vector[
            x"c8dee78f8c7b466c881847accc196998bad00e2b96c5ef913dfbe454d3807c96",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_0_to_0_extra_last() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        vector[
            x"c8dee78f8c7b466c881847accc196998bad00e2b96c5ef913dfbe454d3807c96",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EOldRootMismatch)]
fun consistency_from_0_to_0_old_root_flipped() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8d5",
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_0_to_0_old_root_short() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8",
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_0_to_0_old_root_long() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85500",
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_0_to_0_old_root_absent() {
    merkle::assert_consistency(
        0,
        x"",
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_0_to_0_new_root_flipped() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8d5",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_0_to_0_new_root_short() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_0_to_0_new_root_long() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85500",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_0_to_0_new_root_absent() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        0,
        x"",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_0_to_3_extra_first() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"c8dee78f8c7b466c881847accc196998bad00e2b96c5ef913dfbe454d3807c96",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_0_to_3_extra_last() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"c8dee78f8c7b466c881847accc196998bad00e2b96c5ef913dfbe454d3807c96",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EOldRootMismatch)]
fun consistency_from_0_to_3_old_root_flipped() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8d5",
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_0_to_3_old_root_short() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8",
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_0_to_3_old_root_long() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85500",
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_0_to_3_old_root_absent() {
    merkle::assert_consistency(
        0,
        x"",
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[],
    )
}

#[test]
fun consistency_from_0_to_3_new_root_flipped() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06ef7",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_0_to_3_new_root_short() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_0_to_3_new_root_long() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e7700",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_0_to_3_new_root_absent() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        3,
        x"",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::ESizesReversed)]
fun consistency_from_0_to_3_reversed() {
    merkle::assert_consistency(
        3,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        0,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_0_to_3_old_size_plus_one() {
    merkle::assert_consistency(
        1,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::ESizesReversed)]
fun consistency_from_0_to_3_old_size_max() {
    merkle::assert_consistency(
        18446744073709551615,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_7_to_7_extra_first() {
    merkle::assert_consistency(
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"c8dee78f8c7b466c881847accc196998bad00e2b96c5ef913dfbe454d3807c96",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_7_to_7_extra_last() {
    merkle::assert_consistency(
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"c8dee78f8c7b466c881847accc196998bad00e2b96c5ef913dfbe454d3807c96",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_7_to_7_old_root_flipped() {
    merkle::assert_consistency(
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c0c",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_7_to_7_old_root_short() {
    merkle::assert_consistency(
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_7_to_7_old_root_long() {
    merkle::assert_consistency(
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c00",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_7_to_7_old_root_absent() {
    merkle::assert_consistency(
        7,
        x"",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_7_to_7_new_root_flipped() {
    merkle::assert_consistency(
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c0c",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_7_to_7_new_root_short() {
    merkle::assert_consistency(
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_7_to_7_new_root_long() {
    merkle::assert_consistency(
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c00",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_7_to_7_new_root_absent() {
    merkle::assert_consistency(
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        7,
        x"",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_1_to_8_flipped_bit_in_0() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"9ea296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_1_to_8_missing_0() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_1_to_8_flipped_bit_in_1() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a32ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_1_to_8_missing_1() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_1_to_8_flipped_bit_in_2() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9ad889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_1_to_8_missing_2() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_1_to_8_extra_first() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"c8dee78f8c7b466c881847accc196998bad00e2b96c5ef913dfbe454d3807c96",
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_1_to_8_extra_last() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            x"c8dee78f8c7b466c881847accc196998bad00e2b96c5ef913dfbe454d3807c96",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_1_to_8_empty_proof() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_1_to_8_repeated_last() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_1_to_8_short_node() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cf",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_1_to_8_long_node() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e400",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_1_to_8_zero_length_node() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_1_to_8_swapped_0() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_1_to_8_swapped_1() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_1_to_8_old_root_flipped() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa09d",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_1_to_8_old_root_short() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa0",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_1_to_8_old_root_long() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d00",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_1_to_8_old_root_absent() {
    merkle::assert_consistency(
        1,
        x"",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_1_to_8_new_root_flipped() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff46043a8",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_1_to_8_new_root_short() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff46043",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_1_to_8_new_root_long() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff460432800",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_1_to_8_new_root_absent() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ESizesReversed)]
fun consistency_from_1_to_8_reversed() {
    merkle::assert_consistency(
        8,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        1,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_1_to_8_swapped_roots() {
    merkle::assert_consistency(
        1,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        8,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_1_to_8_same_root() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_1_to_8_old_size_plus_one() {
    merkle::assert_consistency(
        2,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_1_to_8_old_size_zero() {
    merkle::assert_consistency(
        0,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ESizesReversed)]
fun consistency_from_1_to_8_old_size_max() {
    merkle::assert_consistency(
        18446744073709551615,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_1_to_8_new_size_double() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        16,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_1_to_8_new_size_max() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        18446744073709551615,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EOldRootMismatch)]
fun consistency_from_3_to_7_flipped_bit_in_0() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0a98d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_3_to_7_missing_0() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_3_to_7_flipped_bit_in_1() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9cd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_3_to_7_missing_1() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EOldRootMismatch)]
fun consistency_from_3_to_7_flipped_bit_in_2() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0ffcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_3_to_7_missing_2() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_3_to_7_flipped_bit_in_3() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865de4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_3_to_7_missing_3() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_3_to_7_extra_first() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"c8dee78f8c7b466c881847accc196998bad00e2b96c5ef913dfbe454d3807c96",
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_3_to_7_extra_last() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
            x"c8dee78f8c7b466c881847accc196998bad00e2b96c5ef913dfbe454d3807c96",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_3_to_7_empty_proof() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_3_to_7_repeated_last() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_3_to_7_short_node() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7f",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_3_to_7_long_node() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e00",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_3_to_7_zero_length_node() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EOldRootMismatch)]
fun consistency_from_3_to_7_swapped_0() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EOldRootMismatch)]
fun consistency_from_3_to_7_swapped_1() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EOldRootMismatch)]
fun consistency_from_3_to_7_swapped_2() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EOldRootMismatch)]
fun consistency_from_3_to_7_old_root_flipped() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06ef7",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_3_to_7_old_root_short() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_3_to_7_old_root_long() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e7700",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_3_to_7_old_root_absent() {
    merkle::assert_consistency(
        3,
        x"",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_3_to_7_new_root_flipped() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c0c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_3_to_7_new_root_short() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_3_to_7_new_root_long() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c00",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_3_to_7_new_root_absent() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ESizesReversed)]
fun consistency_from_3_to_7_reversed() {
    merkle::assert_consistency(
        7,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        3,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EOldRootMismatch)]
fun consistency_from_3_to_7_swapped_roots() {
    merkle::assert_consistency(
        3,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        7,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_3_to_7_same_root() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_3_to_7_old_size_plus_one() {
    merkle::assert_consistency(
        4,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_3_to_7_old_size_zero() {
    merkle::assert_consistency(
        0,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ESizesReversed)]
fun consistency_from_3_to_7_old_size_max() {
    merkle::assert_consistency(
        18446744073709551615,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_3_to_7_new_size_double() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        14,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_3_to_7_new_size_max() {
    merkle::assert_consistency(
        3,
        x"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        18446744073709551615,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
            x"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
            x"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_4_to_7_flipped_bit_in_0() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"8b7dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_4_to_7_missing_0() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_4_to_7_extra_first() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"c8dee78f8c7b466c881847accc196998bad00e2b96c5ef913dfbe454d3807c96",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_4_to_7_extra_last() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
            x"c8dee78f8c7b466c881847accc196998bad00e2b96c5ef913dfbe454d3807c96",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_4_to_7_empty_proof() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_4_to_7_repeated_last() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_4_to_7_short_node() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_4_to_7_long_node() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e00",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_4_to_7_zero_length_node() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_4_to_7_old_root_flipped() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd9520961437",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_4_to_7_old_root_short() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_4_to_7_old_root_long() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b700",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_4_to_7_old_root_absent() {
    merkle::assert_consistency(
        4,
        x"",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_4_to_7_new_root_flipped() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c0c",
        vector[
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_4_to_7_new_root_short() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c",
        vector[
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_4_to_7_new_root_long() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c00",
        vector[
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_4_to_7_new_root_absent() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        7,
        x"",
        vector[
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ESizesReversed)]
fun consistency_from_4_to_7_reversed() {
    merkle::assert_consistency(
        7,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        4,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_4_to_7_swapped_roots() {
    merkle::assert_consistency(
        4,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        7,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        vector[
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_4_to_7_same_root() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        7,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        vector[
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_4_to_7_old_size_plus_one() {
    merkle::assert_consistency(
        5,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_4_to_7_old_size_zero() {
    merkle::assert_consistency(
        0,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ESizesReversed)]
fun consistency_from_4_to_7_old_size_max() {
    merkle::assert_consistency(
        18446744073709551615,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        7,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_4_to_7_new_size_double() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        14,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_4_to_7_new_size_max() {
    merkle::assert_consistency(
        4,
        x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        18446744073709551615,
        x"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        vector[
            x"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EOldRootMismatch)]
fun consistency_from_6_to_8_flipped_bit_in_0() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"06bc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_6_to_8_missing_0() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_6_to_8_flipped_bit_in_1() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ec050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_6_to_8_missing_1() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EOldRootMismatch)]
fun consistency_from_6_to_8_flipped_bit_in_2() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753e1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_6_to_8_missing_2() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_6_to_8_extra_first() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"c8dee78f8c7b466c881847accc196998bad00e2b96c5ef913dfbe454d3807c96",
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_6_to_8_extra_last() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            x"c8dee78f8c7b466c881847accc196998bad00e2b96c5ef913dfbe454d3807c96",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_6_to_8_empty_proof() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_6_to_8_repeated_last() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_6_to_8_short_node() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_6_to_8_long_node() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b700",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_6_to_8_zero_length_node() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EOldRootMismatch)]
fun consistency_from_6_to_8_swapped_0() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EOldRootMismatch)]
fun consistency_from_6_to_8_swapped_1() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EOldRootMismatch)]
fun consistency_from_6_to_8_old_root_flipped() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f20876f",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_6_to_8_old_root_short() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_6_to_8_old_root_long() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef00",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_6_to_8_old_root_absent() {
    merkle::assert_consistency(
        6,
        x"",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_6_to_8_new_root_flipped() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff46043a8",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_6_to_8_new_root_short() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff46043",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_6_to_8_new_root_long() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff460432800",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun consistency_from_6_to_8_new_root_absent() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ESizesReversed)]
fun consistency_from_6_to_8_reversed() {
    merkle::assert_consistency(
        8,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        6,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EOldRootMismatch)]
fun consistency_from_6_to_8_swapped_roots() {
    merkle::assert_consistency(
        6,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        8,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_from_6_to_8_same_root() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_6_to_8_old_size_plus_one() {
    merkle::assert_consistency(
        7,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_6_to_8_old_size_zero() {
    merkle::assert_consistency(
        0,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ESizesReversed)]
fun consistency_from_6_to_8_old_size_max() {
    merkle::assert_consistency(
        18446744073709551615,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        8,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_6_to_8_new_size_double() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        16,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_from_6_to_8_new_size_max() {
    merkle::assert_consistency(
        6,
        x"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        18446744073709551615,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            x"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            x"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    )
}

#[test]
fun consistency_new_size_of_the_same_shape() {
    merkle::assert_consistency(
        1,
        x"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        5,
        x"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        vector[
            x"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            x"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            x"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    )
}

#[test]
fun consistency_large_one_to_max() {
    merkle::assert_consistency(
        1,
        x"355c170d587b798f93098a0c10383b1b07bade4d938efbcfd75dc8cf99b9bfff",
        18446744073709551615,
        x"ac830fd19ac38e98dfbe6f99d710df755427a321b122be9ca6969187108e8a01",
        vector[
            x"e5af835e6674cefc59ebdc28c696caa30ad615d1881012b6b1a60b67ffd09cb1",
            x"0a897d3b164bdd54c17f4e846d0fa4dc56f301757656245a9e08a0071a63fc63",
            x"99d1b9d9eae0ef73ce180b426f2cfe632e95284b12a5513ad8cb1243026ecc2d",
            x"5b186af7e1040d68f22eb0b5c37e6e1eb1ba6fda632ff8f0915b2b052bf036ac",
            x"56cf9300e3ad9b7f25c3b9a60f6c6291cd3d842898883fbd8bd95e4736507f43",
            x"750a727eaff41c20b167cca08835113e3da2cc32c0860ac631b51684e4943450",
            x"762ef0574bff495ab0304ca9988e9d6ba8f6d94729921ee4ee070a36f7ad8ebe",
            x"430c80c4ab2b5c686a71db15dda0f59f7c69f0e1b16e58cf42e516a85f737444",
            x"8402a76141155af96865301643797fb61efd227c095e65db6de2861402c23339",
            x"55a30e113f5d5982fb2e751f78a1a46b6354db4a690cc4d34d52fac934735392",
            x"6092070b048c4aaae3abff245cfba0eb8d00dd8a5eebe98c9397e4d8749886df",
            x"62c6a0daf5169a137c29e74239d8c419ef4279ec602788e85c963be8c376dfa7",
            x"dc1199ae1f4986eee12178aa24191bbb2e7b404a6e103e33071eb4795370045f",
            x"5784c2bf484b5bf43455954d53091d204cc6ad6c527b17cafb7c8497bf9906a0",
            x"a6852c6fd572141ebf14aa2be3c03d516fa345e92990cec4c91e2d0e033293d0",
            x"9e68aaa4655dc60c4b37e1c739475a276c27a84a0af6d3b03b059787f331dbcd",
            x"1cd894eb63c0c23ba18045de727473cfd392d40aee51147d777623797b749dc7",
            x"08b71ee8e62d6c417634af63503aa6655fa826be4089ffa62b84e89bf2744014",
            x"7bbbc4e09490d2b4fc4ae17e6eefd023e27b8f81b2a0c0f79383d3014195a47c",
            x"7e2c7fef4c1585c5e8c440455af4443e6e3820c953efe8d80b0bdf06a946e40b",
            x"c4adeba26a4dce603a2a4e0ded3ee6ff273c5f6beb26710913db990f22cdd933",
            x"0c95a454c921652a9e024d40dcbfbd3194fba294477813fe38ad43a6c9621792",
            x"b9b400aeef39806a783134ede3b12d3e4c14253756ade800bd758b4effab4753",
            x"4feaa5aac5a420bc55880fa7dc0c21369d49c0953c394c229d905f37ccf0b498",
            x"72609696e80ecca9a204d0218f4ea0ee7cffeefb2032fef765fb0d02c105a0f0",
            x"cea9da89f13c07e97f6b5d3b3ae9e2dd71fb5f61f57b640860dc83f5a3b414dc",
            x"7982a26b9925e62b30c6b212e14bb534ac6725b9ed83623b17750c9fd9ec1b50",
            x"818c3a593a018140f47be8a4f61ffad40a0546e40c748dbb3ffddb5412f15e17",
            x"d9c5c940f6359d418b3aa02650e01da95ae9ce1b39215e6e3234d37cab356ddb",
            x"88e6bd84f9ab980fefff53a636bd9a823f80618df788a2096aa8b7a64cda97f1",
            x"3b03c9ee33bbed68ba10a2a189126794ec16e17333f5a27949e67cc3b362f3ea",
            x"1094286a42ffaf6dc8aa2f6efc5a7326028f506a45222f0590cec0efa03b316a",
            x"2a7701bda8d45f0951647c934435bdaf2b242aafcd95fb87688cddf3b99e205f",
            x"be813c6313cf09bd32d06bc8d4274f58bc5dcb5de9e0db6ff3ab43b28493b6ee",
            x"f121b132c1142f926077af7ee558bbf4b6fbc69ab03e5aac1c547b7a9e2308e1",
            x"35976c44d9bc58c61db2990b309c87586a737963af853307379f3d073920659e",
            x"6a3207f2f4715c3df1589327a5b888cb55bdc65efafc0130bf85a03e2833e1a8",
            x"f16f8fc609f21b892083d25b2f84c7cbe0846eda9e4a42cc3fcbc66d40115a33",
            x"810c51d1985715be087f88c6062afd4fabd4e47d09be417ef8562be726db3474",
            x"895b9fc1211d9c21adad508cc9b7d7a07854f60dc18301e6f6ef4565996bdbe3",
            x"684305cc5fb85f6fb5eec2a57d9a6c8320c9e8619df786d4db8b9661198bda74",
            x"036b89149e34ccbfaa504cab71083d3efc219d10c1bd85ef3e233c77c16ba9a3",
            x"70b66b9d567b171571b1cfbd65ff45a80f17303e3ff3f75ea3552c004879708a",
            x"349e9032a59bd46aae9cc43f3fdd3a60281cb97813611a42f68313635160fcd4",
            x"c78437f4ba5274b53ff68849db7ab0c60c4de0d74d092f7770af33c4cccd9a5d",
            x"2f815d0e0639c6c9c320d6659c25e528056be42e88a84292ad06a203e37fbf98",
            x"fd0cbc9b1bec3a08cfe01bcf0e29bdb75832f7d60846b326d3e89cedec3d161a",
            x"ddd8ba565a196dd7dade25494aaa04ba3e44a5bd2a4fca4aa5bc2496f0225d02",
            x"3a97cdf7088156caefa68260ff0e1cb20d79e44c5083e4f35d363add03e01702",
            x"f53b31301d26e6578b0253e8ca24f04517ddfd3077711fe509e43f02d7e3ec53",
            x"6167b040b4d939429c5dba3984b9022e79376cf048f17170807f399bc037d296",
            x"d737c6d141ae04e524eff01fe9960122aa8398c47aa302b7d0aeefc8915e0be8",
            x"da6be8de331fe33d9db126b833f1e7b5eee8e29387b73200bc8533b0b16031e6",
            x"1c736bc1ee092b0ebf87e8cc6e3cbdea44ccf31989b7a58473534b4531250cdf",
            x"6ef8a5e8512f63b4c5c0d57e844d3b46aa426f8f5061012fcc1f00fc84b64d7f",
            x"115b43a8552c7c0459d19a3b14679ebe6a93b7bf91b229405cfd0dd416a78999",
            x"163117c62efa2e001a7252ab7df51d0275a8b2cc2d851c794f7e7449765f6173",
            x"4a1e8b30837eccfbf5d8bc74b86e1abbd194521f8515a5fa01068c2aa0a612f5",
            x"416e9659f9f9ab7781ad0c504db70898e76308081549f458c72cbb94e3e4caad",
            x"b1eede082853f08bc2fff1a182ad25d2db402fe7e122d3e9aeabb0344629ad27",
            x"d0f0bc8850d449d3ba4435c6a514e46966a4958929ffa51b18e6a80ca8b4d7f1",
            x"a28a0c510dbbb4434202d92bf8546a003c376140cca183acc11e10a8bfa811c7",
            x"856cb61c7947ef32c717f1a8e63907d784bfcbe68220eef921542b7f06536268",
            x"6242ddbb6a3d3e6bfbacbbcac7302178ec544ce3c0ad03a46d7d6f1c50092e98",
        ],
    )
}

#[test]
fun consistency_large_before_max_to_max() {
    merkle::assert_consistency(
        18446744073709551614,
        x"c903e1e980ede5d853ed413e1d80b6679e27872492e8f06a2f595c321ffb935e",
        18446744073709551615,
        x"f4cbe6827ae5788715315a0466ac4532d48e70036b68a077e7d8f0d261a39d2b",
        vector[
            x"25b96d01758bac598027bf6b90fdc095f77cfc17e0600f6d9dc00714f05a9521",
            x"0d14c8253e1e53934d8ceede8c4bc7fc376f33cf8c5f174ff039ce568916705e",
            x"127c67692ab86238d4fc9c877a5849896194472adf31428a1741dcc7fad7f5a1",
            x"2d9c0c1524b43f0b311cf7aa63171ae9827623da9b40c607fcd3955c305d9ba2",
            x"dde792016ce5c0c572a20cd6d18f773e5a2d72708b9cff9e71e47676f4ebc413",
            x"2b53f5e4f27957b71aa7607a3cbd1b837bf108768b6241936df42819a3e4cd3a",
            x"1286287e6e4c20ce6aef609467c0bbaa953d94bb72923b79557b7165acc4f429",
            x"0692342c79adb103924ab8030987c38c24da087e6553332c85f68701bcea1504",
            x"f9624db760d122a260dfe903a4b57c738868329853fa3254ed90b451270e34e3",
            x"3825a4125d6345ba785436e64887478374564033864967e78e0359f833618654",
            x"26290ad75219c162db04f0384b5b80f8f44b3c20fc42c8f005ee79d97eb82370",
            x"72c07b38d089fa80d9d52eaa3c46a1f98d6522fb9f6f568d48786c14ff3a14ff",
            x"8f03ab3c93df306b37af9f769e670c550dc44fc8510df0137dd09c0db2fcd85b",
            x"1ededcf9b7816c256970f907bffdb465e0a500ef14c4994b47d2744c6803e7f8",
            x"5fb49856a3e275bdbfeb0b5f0e33ddfa880560d28b036f5b1eb5816c706379d2",
            x"3500bd999de46818debb7bfaac1a9e5fb7af9ce42a363ce8f8775c1d8b3e5a92",
            x"b1b4846ea7b6af4e1559a293726de1f51479fcb7d6438850de6980a13fe9371d",
            x"960aca8037e9d66e117dc4b7dfe31516a6d7c2eb3e1b1ac27d3437c67c67d685",
            x"b748a11d1146d5a1a9d99f5e2a4695a1783eabb088dc0e735adb84b848ccf68a",
            x"5c44d45e0e51ff0cebfa1dd63110cb562046a7904b002686adc39bc859062fac",
            x"df8064fb7fe0f78fa4b68d67b274d09da63f1dd7e07e5a6d2a474b0ed39f4c27",
            x"3f70ea685f30435c154c88ea708a5202565bb1ba0870fca14e70d5ede71a3884",
            x"00e92f950f5208fee5533bb28009ca74f85b96d3d43dcef06ecb21446b737d01",
            x"ca70c045b8696617030a6ade0c61eefa81f8a97ebc37063ec36cf4ed7369f44b",
            x"c7ab0dec05ea0ecb5e2adce1dd0ee78aab9c25d8f0df06a02001f52517b383f9",
            x"1f89a092b7af29b6d205a73193252208ee110713d2fe117ff165b45156fab357",
            x"9286a0c0606bbdbc03463062ad45ae3388978fc91cc9aaf157977c88e2273bb3",
            x"09fbdfe1ff3b1b6f8370d924a9c33157ace0a0b39c620fe8244045b1d0e5e622",
            x"2fe131e203abe7aa8b8382bf54d22db027de21c5e578c95a3df8458c38a111ca",
            x"125da64bb88ac6538c11d7df7888116d2dac12a4acbfa5ea9743d520f5607eee",
            x"ac815104a23dfd68f64c844b633f3770b07ff0d0c70a95533ddb5516989f40a1",
            x"9c48a7be8fc5efd15db1927c0896e1e9b9cd475ab04cd1ed1a2deb0b48887129",
            x"1b7666a792f814cfb25d46f0533231c04380a5f91b1993b224908f9555d65d00",
            x"a1068e6e57138a40efddd1610dffbed86835b0db1c9c9efeed1305cb7451f93f",
            x"849279b2f6d8d320276984b7f8891d8d5f83095bf0368680181ad5d93d4833e2",
            x"ad795ba6bfb2918e45625d851f58f8aea4368e6c74c0718691790f4390ae804b",
            x"d315d66bd763fac3348a1172f7395ee2648e792bb32fbe3a6af0b55cd47aac0e",
            x"cea8998d013b6264478ef2186d068bcb9f483bdd511c6bdaa00c0e6f32577774",
            x"1f30dd50fb6f4fcf52b0633c144cccc25bc679ae4bee0c81b9c5b3f7133aef40",
            x"ee5d1745664c1352640059c661f6ea853596cbf5d003a873201456cd931729f7",
            x"d9226f54d1978f648001a2592c5b80e2e9795e8f56c71ab0ca7ec1ab1e5fe6ac",
            x"ff4cda2c8f0462d4b9ed89e0327696461c96222702b1fbfa8e533ddbdc8e93ef",
            x"087da935a3bbace91e63df043900f4159def0bf20fca572f4027fefd89dbe291",
            x"130838c616100e26d6e8ce2692cfa44fa1e780b0339e7198edbc65baa4ea420d",
            x"695d1643626332d8de91d0d0d4fc4f0b33d6154619af220ec8c317212c41c353",
            x"c3d57490b27049059c86a69aa87e73a1192cdb9740b7476875eba7cc37e97ddb",
            x"63e07d14c0b9b51df363c9e89561c713f38c8bfd406de34a80fb9220c8d7a12f",
            x"04e6085a51532c6cdc723f11758bf190f2ae2f7dfa7bab9d68506843466b4a06",
            x"7862a9bcab037bb89cdad17cf80d6a769935542e9324719def1892f445c0b601",
            x"f3b1a307653cfbf050e375698ad9c53d70d2d6d8568ec3cbae2137d3eabfeb7e",
            x"78521f66f84f73969d2fe2a8a5b455bedd4cae170c421d2baa474e00098566c7",
            x"f209799d2135f84f4364822b3ff713a30b37fb8368ce6b0b5573e4aea2800002",
            x"f7c9f8055a3e991e6dc076c2d3a81fa62661f61401505658ef6bd2af581ceadd",
            x"c97ca7bc76bb9e7155891d6d0a95a7c0916d1d54f0cad7e5c36660f561846141",
            x"43a3292c1daf86270916941f284d63a23a045b493841b69eb672f5d58fb74527",
            x"77281b350146eeda50ab61b9b55a02e33cd642f6d55dd7e5543abc732e750a61",
            x"570cee76c444e0fe474be345cec29b1c3b3c42c6e8a20407dd01172e06a1d9d7",
            x"40e5c5394e9b5843e9e2bf79c384182f6ba3fb23db146adb1c55ef1c82f63af2",
            x"0e4ea846b108bfd7171577292da9a8b658ce37281d2e6106879d181eb003dada",
            x"f34885d27c0c1594ecb25b34102c96a1d12b6d08401f9d79bd2a3ccdc3f90eae",
            x"e5b47e79c18aaa323cb70ca3e823423123440f9a585b87f3dec1dcff66fd27e7",
            x"f9ef84c0e9558f94bfa1476afb5c5fd5e0c8cf52ee333ce0abcd4c54061b2282",
            x"4fb5887b9de522fbae628ad8c625e068281161d5b7b53db8b8d064b54cf79d99",
            x"099179a9c520c69b4dfadcd5123efdb81a264cc288dcf059da70089bb33881a8",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EOldRootMismatch)]
fun consistency_large_before_max_to_max_flipped() {
    merkle::assert_consistency(
        18446744073709551614,
        x"c903e1e980ede5d853ed413e1d80b6679e27872492e8f06a2f595c321ffb935e",
        18446744073709551615,
        x"f4cbe6827ae5788715315a0466ac4532d48e70036b68a077e7d8f0d261a39d2b",
        vector[
            x"25b96d01758bac598027bf6b90fdc095f77cfc17e0600f6d9dc00714f05a9521",
            x"0d14c8253e1e53934d8ceede8c4bc7fc376f33cf8c5f174ff039ce568916705e",
            x"127c67692ab86238d4fc9c877a5849896194472adf31428a1741dcc7fad7f5a1",
            x"2d9c0c1524b43f0b311cf7aa63171ae9827623da9b40c607fcd3955c305d9ba2",
            x"dde792016ce5c0c572a20cd6d18f773e5a2d72708b9cff9e71e47676f4ebc413",
            x"2b53f5e4f27957b71aa7607a3cbd1b837bf108768b6241936df42819a3e4cd3a",
            x"1286287e6e4c20ce6aef609467c0bbaa953d94bb72923b79557b7165acc4f429",
            x"0692342c79adb103924ab8030987c38c24da087e6553332c85f68701bcea1504",
            x"f9624db760d122a260dfe903a4b57c738868329853fa3254ed90b451270e34e3",
            x"3825a4125d6345ba785436e64887478374564033864967e78e0359f833618654",
            x"26290ad75219c162db04f0384b5b80f8f44b3c20fc42c8f005ee79d97eb82370",
            x"72c07b38d089fa80d9d52eaa3c46a1f98d6522fb9f6f568d48786c14ff3a14ff",
            x"8f03ab3c93df306b37af9f769e670c550dc44fc8510df0137dd09c0db2fcd85b",
            x"1ededcf9b7816c256970f907bffdb465e0a500ef14c4994b47d2744c6803e7f8",
            x"5fb49856a3e275bdbfeb0b5f0e33ddfa880560d28b036f5b1eb5816c706379d2",
            x"3500bd999de46818debb7bfaac1a9e5fb7af9ce42a363ce8f8775c1d8b3e5a92",
            x"b1b4846ea7b6af4e1559a293726de1f51479fcb7d6438850de6980a13fe9371d",
            x"960aca8037e9d66e117dc4b7dfe31516a6d7c2eb3e1b1ac27d3437c67c67d685",
            x"b748a11d1146d5a1a9d99f5e2a4695a1783eabb088dc0e735adb84b848ccf68a",
            x"5c44d45e0e51ff0cebfa1dd63110cb562046a7904b002686adc39bc859062fac",
            x"df8064fb7fe0f78fa4b68d67b274d09da63f1dd7e07e5a6d2a474b0ed39f4c27",
            x"3f70ea685f30435c154c88ea708a5202565bb1ba0870fca14e70d5ede71a3884",
            x"00e92f950f5208fee5533bb28009ca74f85b96d3d43dcef06ecb21446b737d01",
            x"ca70c045b8696617030a6ade0c61eefa81f8a97ebc37063ec36cf4ed7369f44b",
            x"c7ab0dec05ea0ecb5e2adce1dd0ee78aab9c25d8f0df06a02001f52517b383f9",
            x"1f89a092b7af29b6d205a73193252208ee110713d2fe117ff165b45156fab357",
            x"9286a0c0606bbdbc03463062ad45ae3388978fc91cc9aaf157977c88e2273bb3",
            x"09fbdfe1ff3b1b6f8370d924a9c33157ace0a0b39c620fe8244045b1d0e5e622",
            x"2fe131e203abe7aa8b8382bf54d22db027de21c5e578c95a3df8458c38a111ca",
            x"125da64bb88ac6538c11d7df7888116d2dac12a4acbfa5ea9743d520f5607eee",
            x"ac815104a23dfd68f64c844b633f3770b07ff0d0c70a95533ddb5516989f40a1",
            x"9c48a7be8fc5efd15db1927c0896e1e9b9cd475ab04cd1ed1a2deb0b48887129",
            x"1b7666a792f814cfb25d46f0533231c04380a5f91b1993b224908f9555d65d00",
            x"a1068e6e57138a40efddd1610dffbed86835b0db1c9c9efeed1305cb7451f93f",
            x"849279b2f6d8d320276984b7f8891d8d5f83095bf0368680181ad5d93d4833e2",
            x"ad795ba6bfb2918e45625d851f58f8aea4368e6c74c0718691790f4390ae804b",
            x"d315d66bd763fac3348a1172f7395ee2648e792bb32fbe3a6af0b55cd47aac0e",
            x"cea8998d013b6264478ef2186d068bcb9f483bdd511c6bdaa00c0e6f32577774",
            x"1f30dd50fb6f4fcf52b0633c144cccc25bc679ae4bee0c81b9c5b3f7133aef40",
            x"ee5d1745664c1352640059c661f6ea853596cbf5d003a873201456cd931729f7",
            x"d9226f54d1978f648001a2592c5b80e2e9795e8f56c71ab0ca7ec1ab1e5fe6ac",
            x"ff4cda2c8f0462d4b9ed89e0327696461c96222702b1fbfa8e533ddbdc8e93ef",
            x"087da935a3bbace91e63df043900f4159def0bf20fca572f4027fefd89dbe291",
            x"130838c616100e26d6e8ce2692cfa44fa1e780b0339e7198edbc65baa4ea420d",
            x"695d1643626332d8de91d0d0d4fc4f0b33d6154619af220ec8c317212c41c353",
            x"c3d57490b27049059c86a69aa87e73a1192cdb9740b7476875eba7cc37e97ddb",
            x"63e07d14c0b9b51df363c9e89561c713f38c8bfd406de34a80fb9220c8d7a12f",
            x"04e6085a51532c6cdc723f11758bf190f2ae2f7dfa7bab9d68506843466b4a06",
            x"7862a9bcab037bb89cdad17cf80d6a769935542e9324719def1892f445c0b601",
            x"f3b1a307653cfbf050e375698ad9c53d70d2d6d8568ec3cbae2137d3eabfeb7e",
            x"78521f66f84f73969d2fe2a8a5b455bedd4cae170c421d2baa474e00098566c7",
            x"f209799d2135f84f4364822b3ff713a30b37fb8368ce6b0b5573e4aea2800002",
            x"f7c9f8055a3e991e6dc076c2d3a81fa62661f61401505658ef6bd2af581ceadd",
            x"c97ca7bc76bb9e7155891d6d0a95a7c0916d1d54f0cad7e5c36660f561846141",
            x"43a3292c1daf86270916941f284d63a23a045b493841b69eb672f5d58fb74527",
            x"77281b350146eeda50ab61b9b55a02e33cd642f6d55dd7e5543abc732e750a61",
            x"570cee76c444e0fe474be345cec29b1c3b3c42c6e8a20407dd01172e06a1d9d7",
            x"40e5c5394e9b5843e9e2bf79c384182f6ba3fb23db146adb1c55ef1c82f63af2",
            x"0e4ea846b108bfd7171577292da9a8b658ce37281d2e6106879d181eb003dada",
            x"f34885d27c0c1594ecb25b34102c96a1d12b6d08401f9d79bd2a3ccdc3f90eae",
            x"e5b47e79c18aaa323cb70ca3e823423123440f9a585b87f3dec1dcff66fd27e7",
            x"f9ef84c0e9558f94bfa1476afb5c5fd5e0c8cf52ee333ce0abcd4c54061b2282",
            x"4fb5887b9de522fbae628ad8c625e068281161d5b7b53db8b8d064b54cf79d99",
            x"089179a9c520c69b4dfadcd5123efdb81a264cc288dcf059da70089bb33881a8",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_large_before_max_to_max_missing() {
    merkle::assert_consistency(
        18446744073709551614,
        x"c903e1e980ede5d853ed413e1d80b6679e27872492e8f06a2f595c321ffb935e",
        18446744073709551615,
        x"f4cbe6827ae5788715315a0466ac4532d48e70036b68a077e7d8f0d261a39d2b",
        vector[
            x"0d14c8253e1e53934d8ceede8c4bc7fc376f33cf8c5f174ff039ce568916705e",
            x"127c67692ab86238d4fc9c877a5849896194472adf31428a1741dcc7fad7f5a1",
            x"2d9c0c1524b43f0b311cf7aa63171ae9827623da9b40c607fcd3955c305d9ba2",
            x"dde792016ce5c0c572a20cd6d18f773e5a2d72708b9cff9e71e47676f4ebc413",
            x"2b53f5e4f27957b71aa7607a3cbd1b837bf108768b6241936df42819a3e4cd3a",
            x"1286287e6e4c20ce6aef609467c0bbaa953d94bb72923b79557b7165acc4f429",
            x"0692342c79adb103924ab8030987c38c24da087e6553332c85f68701bcea1504",
            x"f9624db760d122a260dfe903a4b57c738868329853fa3254ed90b451270e34e3",
            x"3825a4125d6345ba785436e64887478374564033864967e78e0359f833618654",
            x"26290ad75219c162db04f0384b5b80f8f44b3c20fc42c8f005ee79d97eb82370",
            x"72c07b38d089fa80d9d52eaa3c46a1f98d6522fb9f6f568d48786c14ff3a14ff",
            x"8f03ab3c93df306b37af9f769e670c550dc44fc8510df0137dd09c0db2fcd85b",
            x"1ededcf9b7816c256970f907bffdb465e0a500ef14c4994b47d2744c6803e7f8",
            x"5fb49856a3e275bdbfeb0b5f0e33ddfa880560d28b036f5b1eb5816c706379d2",
            x"3500bd999de46818debb7bfaac1a9e5fb7af9ce42a363ce8f8775c1d8b3e5a92",
            x"b1b4846ea7b6af4e1559a293726de1f51479fcb7d6438850de6980a13fe9371d",
            x"960aca8037e9d66e117dc4b7dfe31516a6d7c2eb3e1b1ac27d3437c67c67d685",
            x"b748a11d1146d5a1a9d99f5e2a4695a1783eabb088dc0e735adb84b848ccf68a",
            x"5c44d45e0e51ff0cebfa1dd63110cb562046a7904b002686adc39bc859062fac",
            x"df8064fb7fe0f78fa4b68d67b274d09da63f1dd7e07e5a6d2a474b0ed39f4c27",
            x"3f70ea685f30435c154c88ea708a5202565bb1ba0870fca14e70d5ede71a3884",
            x"00e92f950f5208fee5533bb28009ca74f85b96d3d43dcef06ecb21446b737d01",
            x"ca70c045b8696617030a6ade0c61eefa81f8a97ebc37063ec36cf4ed7369f44b",
            x"c7ab0dec05ea0ecb5e2adce1dd0ee78aab9c25d8f0df06a02001f52517b383f9",
            x"1f89a092b7af29b6d205a73193252208ee110713d2fe117ff165b45156fab357",
            x"9286a0c0606bbdbc03463062ad45ae3388978fc91cc9aaf157977c88e2273bb3",
            x"09fbdfe1ff3b1b6f8370d924a9c33157ace0a0b39c620fe8244045b1d0e5e622",
            x"2fe131e203abe7aa8b8382bf54d22db027de21c5e578c95a3df8458c38a111ca",
            x"125da64bb88ac6538c11d7df7888116d2dac12a4acbfa5ea9743d520f5607eee",
            x"ac815104a23dfd68f64c844b633f3770b07ff0d0c70a95533ddb5516989f40a1",
            x"9c48a7be8fc5efd15db1927c0896e1e9b9cd475ab04cd1ed1a2deb0b48887129",
            x"1b7666a792f814cfb25d46f0533231c04380a5f91b1993b224908f9555d65d00",
            x"a1068e6e57138a40efddd1610dffbed86835b0db1c9c9efeed1305cb7451f93f",
            x"849279b2f6d8d320276984b7f8891d8d5f83095bf0368680181ad5d93d4833e2",
            x"ad795ba6bfb2918e45625d851f58f8aea4368e6c74c0718691790f4390ae804b",
            x"d315d66bd763fac3348a1172f7395ee2648e792bb32fbe3a6af0b55cd47aac0e",
            x"cea8998d013b6264478ef2186d068bcb9f483bdd511c6bdaa00c0e6f32577774",
            x"1f30dd50fb6f4fcf52b0633c144cccc25bc679ae4bee0c81b9c5b3f7133aef40",
            x"ee5d1745664c1352640059c661f6ea853596cbf5d003a873201456cd931729f7",
            x"d9226f54d1978f648001a2592c5b80e2e9795e8f56c71ab0ca7ec1ab1e5fe6ac",
            x"ff4cda2c8f0462d4b9ed89e0327696461c96222702b1fbfa8e533ddbdc8e93ef",
            x"087da935a3bbace91e63df043900f4159def0bf20fca572f4027fefd89dbe291",
            x"130838c616100e26d6e8ce2692cfa44fa1e780b0339e7198edbc65baa4ea420d",
            x"695d1643626332d8de91d0d0d4fc4f0b33d6154619af220ec8c317212c41c353",
            x"c3d57490b27049059c86a69aa87e73a1192cdb9740b7476875eba7cc37e97ddb",
            x"63e07d14c0b9b51df363c9e89561c713f38c8bfd406de34a80fb9220c8d7a12f",
            x"04e6085a51532c6cdc723f11758bf190f2ae2f7dfa7bab9d68506843466b4a06",
            x"7862a9bcab037bb89cdad17cf80d6a769935542e9324719def1892f445c0b601",
            x"f3b1a307653cfbf050e375698ad9c53d70d2d6d8568ec3cbae2137d3eabfeb7e",
            x"78521f66f84f73969d2fe2a8a5b455bedd4cae170c421d2baa474e00098566c7",
            x"f209799d2135f84f4364822b3ff713a30b37fb8368ce6b0b5573e4aea2800002",
            x"f7c9f8055a3e991e6dc076c2d3a81fa62661f61401505658ef6bd2af581ceadd",
            x"c97ca7bc76bb9e7155891d6d0a95a7c0916d1d54f0cad7e5c36660f561846141",
            x"43a3292c1daf86270916941f284d63a23a045b493841b69eb672f5d58fb74527",
            x"77281b350146eeda50ab61b9b55a02e33cd642f6d55dd7e5543abc732e750a61",
            x"570cee76c444e0fe474be345cec29b1c3b3c42c6e8a20407dd01172e06a1d9d7",
            x"40e5c5394e9b5843e9e2bf79c384182f6ba3fb23db146adb1c55ef1c82f63af2",
            x"0e4ea846b108bfd7171577292da9a8b658ce37281d2e6106879d181eb003dada",
            x"f34885d27c0c1594ecb25b34102c96a1d12b6d08401f9d79bd2a3ccdc3f90eae",
            x"e5b47e79c18aaa323cb70ca3e823423123440f9a585b87f3dec1dcff66fd27e7",
            x"f9ef84c0e9558f94bfa1476afb5c5fd5e0c8cf52ee333ce0abcd4c54061b2282",
            x"4fb5887b9de522fbae628ad8c625e068281161d5b7b53db8b8d064b54cf79d99",
            x"099179a9c520c69b4dfadcd5123efdb81a264cc288dcf059da70089bb33881a8",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_large_before_max_to_max_extra() {
    merkle::assert_consistency(
        18446744073709551614,
        x"c903e1e980ede5d853ed413e1d80b6679e27872492e8f06a2f595c321ffb935e",
        18446744073709551615,
        x"f4cbe6827ae5788715315a0466ac4532d48e70036b68a077e7d8f0d261a39d2b",
        vector[
            x"25b96d01758bac598027bf6b90fdc095f77cfc17e0600f6d9dc00714f05a9521",
            x"0d14c8253e1e53934d8ceede8c4bc7fc376f33cf8c5f174ff039ce568916705e",
            x"127c67692ab86238d4fc9c877a5849896194472adf31428a1741dcc7fad7f5a1",
            x"2d9c0c1524b43f0b311cf7aa63171ae9827623da9b40c607fcd3955c305d9ba2",
            x"dde792016ce5c0c572a20cd6d18f773e5a2d72708b9cff9e71e47676f4ebc413",
            x"2b53f5e4f27957b71aa7607a3cbd1b837bf108768b6241936df42819a3e4cd3a",
            x"1286287e6e4c20ce6aef609467c0bbaa953d94bb72923b79557b7165acc4f429",
            x"0692342c79adb103924ab8030987c38c24da087e6553332c85f68701bcea1504",
            x"f9624db760d122a260dfe903a4b57c738868329853fa3254ed90b451270e34e3",
            x"3825a4125d6345ba785436e64887478374564033864967e78e0359f833618654",
            x"26290ad75219c162db04f0384b5b80f8f44b3c20fc42c8f005ee79d97eb82370",
            x"72c07b38d089fa80d9d52eaa3c46a1f98d6522fb9f6f568d48786c14ff3a14ff",
            x"8f03ab3c93df306b37af9f769e670c550dc44fc8510df0137dd09c0db2fcd85b",
            x"1ededcf9b7816c256970f907bffdb465e0a500ef14c4994b47d2744c6803e7f8",
            x"5fb49856a3e275bdbfeb0b5f0e33ddfa880560d28b036f5b1eb5816c706379d2",
            x"3500bd999de46818debb7bfaac1a9e5fb7af9ce42a363ce8f8775c1d8b3e5a92",
            x"b1b4846ea7b6af4e1559a293726de1f51479fcb7d6438850de6980a13fe9371d",
            x"960aca8037e9d66e117dc4b7dfe31516a6d7c2eb3e1b1ac27d3437c67c67d685",
            x"b748a11d1146d5a1a9d99f5e2a4695a1783eabb088dc0e735adb84b848ccf68a",
            x"5c44d45e0e51ff0cebfa1dd63110cb562046a7904b002686adc39bc859062fac",
            x"df8064fb7fe0f78fa4b68d67b274d09da63f1dd7e07e5a6d2a474b0ed39f4c27",
            x"3f70ea685f30435c154c88ea708a5202565bb1ba0870fca14e70d5ede71a3884",
            x"00e92f950f5208fee5533bb28009ca74f85b96d3d43dcef06ecb21446b737d01",
            x"ca70c045b8696617030a6ade0c61eefa81f8a97ebc37063ec36cf4ed7369f44b",
            x"c7ab0dec05ea0ecb5e2adce1dd0ee78aab9c25d8f0df06a02001f52517b383f9",
            x"1f89a092b7af29b6d205a73193252208ee110713d2fe117ff165b45156fab357",
            x"9286a0c0606bbdbc03463062ad45ae3388978fc91cc9aaf157977c88e2273bb3",
            x"09fbdfe1ff3b1b6f8370d924a9c33157ace0a0b39c620fe8244045b1d0e5e622",
            x"2fe131e203abe7aa8b8382bf54d22db027de21c5e578c95a3df8458c38a111ca",
            x"125da64bb88ac6538c11d7df7888116d2dac12a4acbfa5ea9743d520f5607eee",
            x"ac815104a23dfd68f64c844b633f3770b07ff0d0c70a95533ddb5516989f40a1",
            x"9c48a7be8fc5efd15db1927c0896e1e9b9cd475ab04cd1ed1a2deb0b48887129",
            x"1b7666a792f814cfb25d46f0533231c04380a5f91b1993b224908f9555d65d00",
            x"a1068e6e57138a40efddd1610dffbed86835b0db1c9c9efeed1305cb7451f93f",
            x"849279b2f6d8d320276984b7f8891d8d5f83095bf0368680181ad5d93d4833e2",
            x"ad795ba6bfb2918e45625d851f58f8aea4368e6c74c0718691790f4390ae804b",
            x"d315d66bd763fac3348a1172f7395ee2648e792bb32fbe3a6af0b55cd47aac0e",
            x"cea8998d013b6264478ef2186d068bcb9f483bdd511c6bdaa00c0e6f32577774",
            x"1f30dd50fb6f4fcf52b0633c144cccc25bc679ae4bee0c81b9c5b3f7133aef40",
            x"ee5d1745664c1352640059c661f6ea853596cbf5d003a873201456cd931729f7",
            x"d9226f54d1978f648001a2592c5b80e2e9795e8f56c71ab0ca7ec1ab1e5fe6ac",
            x"ff4cda2c8f0462d4b9ed89e0327696461c96222702b1fbfa8e533ddbdc8e93ef",
            x"087da935a3bbace91e63df043900f4159def0bf20fca572f4027fefd89dbe291",
            x"130838c616100e26d6e8ce2692cfa44fa1e780b0339e7198edbc65baa4ea420d",
            x"695d1643626332d8de91d0d0d4fc4f0b33d6154619af220ec8c317212c41c353",
            x"c3d57490b27049059c86a69aa87e73a1192cdb9740b7476875eba7cc37e97ddb",
            x"63e07d14c0b9b51df363c9e89561c713f38c8bfd406de34a80fb9220c8d7a12f",
            x"04e6085a51532c6cdc723f11758bf190f2ae2f7dfa7bab9d68506843466b4a06",
            x"7862a9bcab037bb89cdad17cf80d6a769935542e9324719def1892f445c0b601",
            x"f3b1a307653cfbf050e375698ad9c53d70d2d6d8568ec3cbae2137d3eabfeb7e",
            x"78521f66f84f73969d2fe2a8a5b455bedd4cae170c421d2baa474e00098566c7",
            x"f209799d2135f84f4364822b3ff713a30b37fb8368ce6b0b5573e4aea2800002",
            x"f7c9f8055a3e991e6dc076c2d3a81fa62661f61401505658ef6bd2af581ceadd",
            x"c97ca7bc76bb9e7155891d6d0a95a7c0916d1d54f0cad7e5c36660f561846141",
            x"43a3292c1daf86270916941f284d63a23a045b493841b69eb672f5d58fb74527",
            x"77281b350146eeda50ab61b9b55a02e33cd642f6d55dd7e5543abc732e750a61",
            x"570cee76c444e0fe474be345cec29b1c3b3c42c6e8a20407dd01172e06a1d9d7",
            x"40e5c5394e9b5843e9e2bf79c384182f6ba3fb23db146adb1c55ef1c82f63af2",
            x"0e4ea846b108bfd7171577292da9a8b658ce37281d2e6106879d181eb003dada",
            x"f34885d27c0c1594ecb25b34102c96a1d12b6d08401f9d79bd2a3ccdc3f90eae",
            x"e5b47e79c18aaa323cb70ca3e823423123440f9a585b87f3dec1dcff66fd27e7",
            x"f9ef84c0e9558f94bfa1476afb5c5fd5e0c8cf52ee333ce0abcd4c54061b2282",
            x"4fb5887b9de522fbae628ad8c625e068281161d5b7b53db8b8d064b54cf79d99",
            x"099179a9c520c69b4dfadcd5123efdb81a264cc288dcf059da70089bb33881a8",
            x"25b96d01758bac598027bf6b90fdc095f77cfc17e0600f6d9dc00714f05a9521",
        ],
    )
}

#[test]
fun consistency_large_two_to_63_to_max() {
    merkle::assert_consistency(
        9223372036854775808,
        x"ea4c2f863c1036828d076f5d224d55a9d5d7d8ef7268973cb05eba71bbbc311e",
        18446744073709551615,
        x"5b27a8132fc6b96d1296a1ec6873be9bd50174a2181fded5eed9fee163f9385c",
        vector[
            x"fd70df0d0ea8ac8c6e27d3701d118427b15649e191153405b2ac6db0ce06de51",
        ],
    )
}

#[test]
fun consistency_large_before_two_to_63_to_max() {
    merkle::assert_consistency(
        9223372036854775807,
        x"ee1d9e406b58db7067e4db6e809b020f6c0f4ea9be5322bb080d25c65eedc29f",
        18446744073709551615,
        x"821dac2b32de14c49329df2eea9856324cf4c5d53ffcfae9ea52d24f66375ed8",
        vector[
            x"589ede88e5c375d5c83472d1ceda9bbbe582826e8a3306a7b340a25aeb677705",
            x"bd831bb644a8ce83efb4c4e39adac7cc1ae4b0f6a47b63ac6b98b0b1e3c303ad",
            x"152e6e64b4caab981da51e7ccdca945f7d8a3ad86ed6475d2c53576e050d19b2",
            x"4a824a1600e3497598c19352aa35ba365df7cca32a8a8c482fffec31f7d9f3d4",
            x"2db468af6b1528115fcd7a34b5a7b7806d1c648d2b4748ffe2b25cf226475a58",
            x"153e26e5d5912288cd8707dc4bfab75ba65b90bd11b37488f54ceee8bcca3dd6",
            x"753fbf593e42e13e712dcff5aa406fb2ff20b6f555a496999767ca2253471688",
            x"f5641b7eda8cf1c9e9ecd8583b4162a3b00e2e0ada04d58f4150fe8f3d64841e",
            x"1077dbb911eb19d4ba3257231bece8c225e64cf76763aa1383b4d4f1cd933712",
            x"9f3373b7ef19a880d82b3029c83b916d383ca55661a99ebf4ae5d55d93ebfb56",
            x"f049b756f894ad16ca36c9133e54f0209d1d201a98fe745c748ac3c8b95b85b2",
            x"8c419e1c6998a544dc279decf2667ead9a282ff1047d77b934e6ff64af26745a",
            x"0063d5c4b47e68f05612962716e7f9daf79434b8f1a0c02e444d8700305461bd",
            x"26fa1a1ef3f76e8cd5eb506ee7e6d09884c0e9130a07e511393652766dc96a9c",
            x"4e4a58c9f827c0e18ac45488d94c6ce32e1726739f19eca84bd0b82e99518580",
            x"0403f95ffe55718c012dbdcf3f8f365a2bdd82d9c97c1d4e2a477597285e8e25",
            x"6fa60607532abf3e19dda81b5ef2478e8ba666df7a61a401fbb917c527102507",
            x"ec7825a5bcfd9d5ec651b9321bf393b34d9cc80f8b2589de33a678b0f4ddbb53",
            x"6f5113cce7e47f8257f32ae743c15b03049183101ba360e6f9a1a68c2035b35e",
            x"2c26779f8856b98e59e2306a9aff7ca1186b6d59ce036c4be3a82e116853f070",
            x"00ce66b2dd22588a6d4147ac37e6623bce9120e1d8a5f727c83c6e319daf9d2b",
            x"c3146d84be034ae75691203994324cf68eec839b12d334b03766cfba952ed92a",
            x"8a4e59225d8faaf446162991f2dbd1be8e756b12d95e1d350f84546ecb9c3149",
            x"ad2023303f382488b8f2139065938f0b7d8842560b7b7748c7f1509a280366af",
            x"1b802050194492aa255bef2bad3d51fa3203deada8fb9c0909acfa1276aece7e",
            x"342b1344785737242439ee146ded438a7be38280aa26c3b6e6983d408b70d4cf",
            x"ac2e8af709dcff75607605e35b6e5a9790f8605e4ec51a00cea814527b1287a1",
            x"791eff2a2795b6070810eab437a3488dd2737dd369f5133aa3529c1f5e2f7b8b",
            x"9532f5e22195dacbec8069545f9766ab496058bf8367b9c2f7be5ed2f5aa04ed",
            x"ca9936807e43efda549ac0ab9932888fc525d4f313d3433609e9c3e563a63856",
            x"da68e67ff23207c5fa2f29c817bf2c3cf28db170dc0eada3e4c7e4b5e5350046",
            x"955f33551f6f9532ef298aa85049023b85662a169f2b0363a6320cd5b490fb8b",
            x"22c44301f48fe2a4b6bf2caa9a5aa332f37448b7c87ac5f0f292e11aa816b8ef",
            x"88bd2a162c94a3d07e6a9eee83e43869d37d24f9ba0af63ec8d0ef917aadb48a",
            x"cc05065db9a3ca044dfb770067797c21f35a93e1db97223e90885a007d6ddc0c",
            x"bb2e3f7eda49602fbd316e4c098da36e3431c21b16c3fefa056208bc2953c9c5",
            x"6e741bc712df468ac50e314800d49509a416fc7014b55ea54175f091ed4e06db",
            x"4da4fedf81455d3957ab4e06b0170628bfd722c651811ad2ddaf83bf76b17312",
            x"69e39bd8f74e11b446a85a7f1e1616f8af133a18b4422ec0334bc55d9c1b59c6",
            x"bbf44be817adcdae65be31e7241bb327a24d24f8d145b7a6bc8b6d8120a26591",
            x"4cb70b44c6b44a38d1cb304300f3a5798699b2c5b9c44828af39a75151337547",
            x"e7cda9979e8bb269f2bad75dfd92fffebd003b99e2821d3ba7ab8ca32b3372e7",
            x"b4bb84016775e0022b93e2a7e1537a6a965d8cacdfcf27318e306120d32b7d90",
            x"000f1e3e85e3cda465b4b779b2e9fee5ba3fba3d0d2342b07c790fffab61b2cb",
            x"4fdebf8fc80dd4e3a60ed3a28077cd5d80899372c169d0af9ba23b000e5bad1d",
            x"e0baab8ef17078dd5b9c78db7c1afcfe481f7d603a488ed587732494b6d7ef13",
            x"bcfee715562c0d81076ebb3a54a0a8f54f335c6834783038975c83a4b4886fc3",
            x"9938b8ba10a60433a7a6444955ed085d070a5570e3d8239a217d87237e8b4bde",
            x"7f9f6c4e2afe508101ea3e291366e245d8b5147e0c1929dad2e715c642eae8d1",
            x"6a1dbfff73eb78d4be44c24c59f46c8179ef503d2e07bbeea61d096f9fe3ce7e",
            x"9efc2176929b7a99ee21a8170d00d720ed05256ddd9db61c789f186c21cc5789",
            x"480a61558c0da6983445a81e3b1d0a1c7391e45abc766369f52cb735c95ad67c",
            x"ab8ef46a8549eb493635af7e3b8f9c4aa3eb4236f1b441a202487ed483593a0b",
            x"f0fa3ba9c23ae2abb719aa2101bed13561a4595cde3ba0d3f9606976f71a0293",
            x"ea0a0b8b5016f7577b43b3fa5e708bf06c19b7cf2496cf1c2a4574746381c2d0",
            x"33797e842f6e90ed050a650d4991a104e59180c4c4932562b9d6b7c88db295d6",
            x"95cfee60cb8f0ee21024bca7195717f26fa369baa60a270e002ff63071bbe803",
            x"c15f86db6648973c3f1f3d53e1c576fe5825e17a93ff8a578fff3ea0884b5c45",
            x"4e4f84660adc5dc7bfdb3e8670751018d29b6cf070a3388fd5d767f860742da3",
            x"9a66f516b64f9d18caa292c56d5c5cd15010084a3590eeffea88360415c78c10",
            x"ec141c7a2b5aef285c06314bce881d1a6dc27248dd7a022f9d26189130024f2c",
            x"bda39890836a319b620e95480715823663da2d0804e1f81737639689842008e5",
            x"18eec783d17c30a67b24f9f0643e3757f096d294ca3334eb4bcafb3f3cb4da63",
            x"b154a2f22349e122fa1f987b8d6c76b3ba961e3f14788e4cf10aae2ff48eb410",
            x"d7c8ec34ff96834327a4d5ecc7bb2605638cdbd251cde27a2ed4b3adfc58d059",
        ],
    )
}

#[test]
fun consistency_large_after_two_to_63_to_max() {
    merkle::assert_consistency(
        9223372036854775809,
        x"e4c192277842eff022b1e541b6a774eaebd0c54ea196706f361c431b6a3e43d7",
        18446744073709551615,
        x"1a776786268e971ac05f4a68eb45b5626ac8fd481185ae0c82954d88e57eef4b",
        vector[
            x"2cd42eccd1916ea76d025c7f6bbde4538585773559e6543c14669a4e394ba99b",
            x"7a62f5d9d12cbcf477ca02fa67c0abdb8a254b1c30faf62d09360c53a30eb2f3",
            x"727a75f5c8aa6de16716fad7baf75712e7944839eae3bab1a0b884c104c136fc",
            x"0565caba5359907678e405b881c2cf9dbcf001a64f7547cbf986eb2ed4c36b70",
            x"d7dc24f258171080148b553df9e7d56e179557bea5088eeadc4707174f3d397b",
            x"9b3f736b87e0fb436cd51bb43913dde68c99655b92dfff7ba3451ae5c3283acd",
            x"e6872df123d32d140c45306623d40b426de4c0d50b85fce07f3de68f73d0742c",
            x"8bded5f0fcb45f987eb9b83c1df040b286b3591fbe186ab8f4b004bf78f6bd72",
            x"5654e7d89df9e722133355b7343f55ed45900451fdd8d231b4163a862bcc575f",
            x"143f041ad47727b86c1fc82e3c268323efbbbafdfe634d27ef86f1a8b4590313",
            x"074c843b7ef2d3b049d377c3972b9d015d7b42a2fd732f813167b3612ba61af8",
            x"71148f2d7364e1eeeff9885d1ac5f7d5db86a3e5dc97b56f327e8f7dd416ebc9",
            x"acdc498834f76ed7d42b37a509d890af5b96986774284f8e460770a9026e3f37",
            x"aad7c199a361464535cd3ac34cd0e9e603a18ca05cdd39688f659ea4ee93c0dc",
            x"5652deae1382c4837502e99ac9c0eedc0f440f7e3e8d1bef62c4cb5b381c498b",
            x"37477d53784fdebd2d519369610235b22d516d822e61470aa15343df853ed581",
            x"168b198a91d97b2678d14834b5d8487446236ff26cd0dbd6d9ab1bd2f450825b",
            x"0e52f0fd5360e1f2e44fa21a6a1d70b6122ba9c91ab829db23b3e14302c2be04",
            x"47c55ec700edb86fbae8f33d3447dec760c28ca5932cb17efeeefa1cf67396c4",
            x"5ff16eb9c1ab5ec3bba73845ede4c13099e6560b70181db06c58ae0efd9928dd",
            x"355df2f19c3a8da0f8daa6cf966fa7a800a467d978ddb8e1069bd14773240772",
            x"6ffba9b8eaaa617bff6b0f62ef31df45eb2706be35ba81e01581771b285ade6b",
            x"03c2a349182009934779a8ec8d7b35cb82a9764b9cb1f59510240a50856074b6",
            x"dcb01711f1d07d72fe0aa480f0fb63b28a4461cc8cafa8de2d764689748ba1ec",
            x"612baeacc9fa95379f727974663ab92095aa05fd79d9505de6b7f9073cfa2a1b",
            x"90e0c277aadf1d3fb7bd5d6d03e0969c868805131241f4a855927a22edf957bc",
            x"2e27ca40063176be702f4ad237c834f97ff6dfde9c4c822326c9ddd35ace5f64",
            x"343c0c382a4dce02d28eed64dabe92dc7b95acebf70164b2b83680d9bb6595aa",
            x"2df99055013c657ac07c9d51dc7c0c7b9a31d0dc9301a251ce6020176f7ddd0d",
            x"9ad67b2c7d67f5972b66de87ccf40b06125f35ded88dfee070dbb22c6a96a2fc",
            x"d1eb0de61fe01ecde04d9598d74739036d83d20609df9506372609498cac6704",
            x"f125ba32b2d7644c630fefa3a0533fcc343b4a4518f227b08af9ad1cf1415cf8",
            x"2208b600a7b763fe2c449d0a990d0541c9861ab6a48560c5856805a76aeea482",
            x"3d85ee4a1c2d90b4f0e52212ac50b392371f9bd0fe15668e11548dd77bab0ad0",
            x"ddfaf3cb5ad8fce7ece8ee6268840789645a47c578f70aa34069949d94321d9e",
            x"0e81c5a286603b4fcb20e1d97283822b5d585d654681fb1d9374fdc666385b1e",
            x"3ddf5ff4eb7a56a5d6712565ca90f7a65fb9225fc8e7e3c1b67c0df65ad86ad6",
            x"1ad860365b1129651630d2f49ddd2ddd04d01eb983a35e7e5d67bcca1c11869a",
            x"ebf5bc84a0e78310c5aa2ba7cfbad08f3be208d1d840345c0d0ddcd8e5a69282",
            x"74fcf9277c73ef52f359350d19c9166018d0217e565c469cb7c799f8a4832ed7",
            x"330f500691e68a03eb6a9fa49601a67089216cd715d36578f3b738abddd7f768",
            x"7d364ec1f6ba112ec60ee2a3ee9fcd490239bfbc35d24aad37f73133f7601787",
            x"a841d9429ec53f24e0e9922ab0ff3332f697734236ecb792585ecb1f39e891e6",
            x"6d1ee8946fe3dca285faf1b4aec4d51ca70d07095768a2b11a371e8602fba8ad",
            x"679506baae6c5936b3f1685a79ca49c055f984e9253140834a984dc80d4624f4",
            x"c03551c39e8cb853696c199c8ecf36b4223847a6d8937fbd04da1a1e52ca8f03",
            x"923b4e8fc1cf1c739e135871a2c5ea4081421b7bb05de7870dcffc880215e1c3",
            x"1f2bfb465cf350d3c4e00fcc90424bfd86ac9c64539184cd060815564a34be8f",
            x"2cff6c474f83e9494117c5cde69e07c262a8d79176a5d36c3105d25e54538477",
            x"16bfb31c07b97ad9cb895dbad2377adbecabc9a3695448572e3627ed6d89c628",
            x"b875297c1682d720d3e5339cca10f4aa6299ad33604cd00c67be71436183e6e3",
            x"bccf94419c1c9b46f76b48dcfd6c21373125b08ad211971516fc8d07947239d1",
            x"79c8fe355f9665ffe9d94431e540b07a710c86ea38bd00a8df492fd44db0b505",
            x"0e06357f670c6f474390c870b941bcb5c591e6cccb59b6e605cf934dd7f4db78",
            x"51dbd41549a20c2c6fdd86d38e3309c20226e21f6d3899cc495d4dfdf56d2ddb",
            x"384844fde1a50229bb71e0265454d263772be8405d7c4b793c97d2ac0bee2690",
            x"04699a3b1703323413a09f5883044c78ae6a21f126ddcc871c1ba6dd7ce6f0fa",
            x"cb52c41f9383d95d510ed2b657586282ebd0f604b5b72a8b98c3602b257bd4b1",
            x"8385235e6719f307077ed095c445978ad50725e40d6b364d33ab5b6f7e4ef052",
            x"bf144b2c9926af0bea7d3ce3d6f3586bb301d2a07a3a90ced2a2f35457b0882e",
            x"f666588f1ceee5d2c85c7f8a3c9c738abf6275817242af0a7860cdfbaad9ef3c",
            x"a4922327d9d4c81e2073cf103c5326e84843396c773b79d0114b136b39d3509b",
            x"c0bc01bf1a50da81b84fd83cdbd4a19044c2711b283ffb4c083ec669cdfaa3ef",
            x"15d0ce90af6143bac12fa53ddbd50848c2deace4ead0ecc6b40ce6307d9944fd",
            x"9747d0ecf65d32b04d22073f4393341280a8d72b52f90e19e6a9803028ac892c",
        ],
    )
}

#[test]
fun consistency_large_before_two_to_63_to_two_to_63() {
    merkle::assert_consistency(
        9223372036854775807,
        x"40626eccb042e7ec2beda22ee6c7532fac0d437f4360c9c1053bdc85911add33",
        9223372036854775808,
        x"1e108b142f672cc6e2430c3a94985c80a2236e3ee77803f417a3fb4ae1627c53",
        vector[
            x"c58fa52ae0908d1d13c71809a13e92352d89a8a61a4222553b108759c43cf33c",
            x"ab87fba4b42637489f8740be47e075f319082bd1a605b55e0ca4b09af518b308",
            x"9c31b87d3592db70786320a21d9610e790c401831fa88ed13265de97a4407e1e",
            x"f472d766a7814447e82109a6abf686700e571dfae54c90bd1458fd3435afa928",
            x"936177545c2b98cf73dd03414bb0ff6a7becfe0b18f2e66fdbff6a3fc6b0647e",
            x"53e74f4658e40a34881eeab7a7c0fcfeccd98ee194f19e43e842e9d2b55e06cd",
            x"8839d0fa3486815054fb6ed1df2dbf7b88d51a30f78cb00bca5361d62c5e0b1b",
            x"edaa67caddad235b5849a169820448fa304fd464ede95f92349066d87b232247",
            x"f6e89fa50e11e2f7197949855ee9b82534332e6297f23a7e39fedb6568198b3e",
            x"d8f4a64c953a3cb4dea8678b8979257f9ec88ab75cbf8a8ecf72460cf85b3966",
            x"e3b5a87a7416524802c6061b39bdbd6dde6a0c1a87fcc8750a03a6546d8d97dd",
            x"9dd4027e7fe75494be4c2b934a03f133cbbfd7a37c837d2d81aedc4bc0b853d9",
            x"722ba7188ddff00e7664e74131c598b1e727ab9bfb21aadbb229eaf752e28469",
            x"0602568daf3865d3bd0582e469d43feac6fdf24ae51b98abf4a09ba61468a13a",
            x"bdb1f388362aa131c09b8c93808dd52cc408418ae4d6d9ff55dbaa6c841667cf",
            x"50f7c5b672e447539f9f10d11c7367c5b4dbbf38d3a0116b5271039fbd39cf85",
            x"7fa16a0ff4d39c3242936639d52367fb27297246bf8d647b51b9e9791b29b0b5",
            x"157a7e97518bf494c129666fd671ba3429765c6b07d239c373245be2b5284050",
            x"a23b44abe8ef7215488c7c9b38e19cb0ede8d1b2dfaaebd8aa98bbd51484a9a1",
            x"db60b5866a3f81b982de05080fdee2feb45894605f2ca4e8e745a0a83f9b2561",
            x"71133be45b91cc3cf3828f239f7dd7972b1d51201f8952b2dcb0aa36b2382401",
            x"6ed584310a61ca26574985c284297c7d973491e8710bee47d8af5337eb5148ff",
            x"feef7de9c7d782eb938331ff1821608234fe41b82a61b156ec3db885bb7a09be",
            x"f37fe023408f9dea8552d4a33c327fbe5a769fe801054b55f5692a77a8810fb9",
            x"13396673402ec114a021b705bfabb1d845e29a3df1f0b0544d1fb8505168fa62",
            x"0f8200bb415fe77a501bab25e1288d117c45b374b3a5faacd27f77e4ea2a456d",
            x"55ac110744a1e9809c84b1283e06c8504c726538a381c5a1199f57717e5df682",
            x"ef2c7d044d22d67f14455d0a7e949337be067995afdf40169116ff3a35a510de",
            x"b4faaa9cff5a772e5a9c47834037cb25985db6b26e9c5a7dd5e8053a3c8c6407",
            x"e494600ed1ab888f10628125ff8696e4a239530ab1916dcc1dc9f7539b96fd4d",
            x"4ae9ccfe2a9717af68cb00e2f810236eeaae10d1a33d30b2cc1fb265d449addc",
            x"ad12ae61dece74e26bb0e984606b2265532d8fc6d43ef4934b31300b38644de1",
            x"b2257cf75fe602a487a87f5bdb40a708d1263caf16d964a344e991267117d324",
            x"772744e95178432a9e0c21f2c9ac49b88324226b155b4aad86f3c92c2dc442cf",
            x"9236fb31402452b2c4aec53bf526255165a7e4793b6163c8689c71a2ddbe4a58",
            x"4dbfbf045c2f9ea0f9780a9e89ebf6fa67bb4e3e447efae60a32bce24ae9aba2",
            x"6f9ba507866ddf94039123aabca56fb268a2e2a878f1e0985ddd615aebac96b5",
            x"0edf100b52e91eb615e234af00d13ebf74dbb35a9eec92128519a42ce3b82c41",
            x"496a3d2275df79b34ed933830a9da9daa04da9c2073d57389a687b2fc64b034d",
            x"b151fd8f329bece8a6c7e41665a51c261db9362a2da05c75294d16867dde52b2",
            x"fb669018b1fb0bd75a51ec17e9bfd6a224d387748e5a6812fe8f75b646eb4f0f",
            x"994aaa4d873d3bc6f3a16e05b0af53a67d6fb5b8d4cbdd2627362fa0b6fe9f73",
            x"6698a61687b6a00a07a20598ca489645e6690b366b7a7a18b97b6b8c8ebb233a",
            x"f901d29ffc727fa51f9f6fe63ceedfe646740e63558b36a6bf9d5677e6edc856",
            x"4d9d167e474746da3ed504a65f68cfa5d4e8f7697dda9736fa5b3c65374d2c5b",
            x"302d474b10bfa1523d6629d126e0d7d0a09318b940c2c89d3b3034027798d105",
            x"a8dddbc3ec6883a0c5c3cba523bd7a63ea5ca212c1ece2810e477e22bc69e361",
            x"d88d7315a078fd33a4ca71627952e8b286a9cd736998dae79277eec0a52d8cb1",
            x"cbbe829dc64076c94a51cefcbb0184e48ec2808081fd465ce6e11d4dddfd72a2",
            x"6ff181a2e375da0a325b0f8515ab058c5eaa446cad90aaa4fc9b48c5185af5ce",
            x"43c11eb9362609de1da61c5d9b238fd7ff58b1184e80404283284f00b9e646fd",
            x"8b0529c2be5dbd1def373c4870349cffd819b6dc61efb0324ae5cd52baa68f4a",
            x"59b2d7ba6732c237dd7b299bca9efa70c51fcedd9140f496eb109bfd1b55f57d",
            x"77fa3932b428d3851e8f64c93f7e0d79f715e884ba1524f3b4c900595d15d83e",
            x"995117d456e18b7ed5b582b82b81faf3671df77a24db8a79b0c6f5b7b219ad0c",
            x"ad761ce5f04789083733d3017d4d8ed41a49e2b6060de477cc2d34ba64f6cc68",
            x"bfea40ea38585bf5ca67826539b73a1fcfba29cbd7a21c7945c9fdaec393edcf",
            x"2a07bf32e6f8c4a8a6c5ff0553a8e6ca7c0f498787bbfe7f00403462bbbb5a32",
            x"bc0e483d782d28415d0d814e440ac8803209d2fa97afe7586bbd45f556976a63",
            x"ce22048327f5ad82284f096ca17b1dd33ef47d3f26f8125cf99ee013f58c1394",
            x"6f2a92492bfcf4e5b5553ef1858b1bd088d2e6b1d48a38afd4820e6643a26ad2",
            x"b01607e7f7f25f3064c402681d1852cf12fb220a6e8e7bdb330a3be1899effcd",
            x"62b8e6dd208d89be1a4483d2103bc18cd596c963d34093595e35e177f36e1dc6",
            x"11658acdfc01635abb7e903e7a0e5a66ce08aa36aa6ecf09dba40045c03d372f",
        ],
    )
}

#[test]
fun consistency_large_mixed() {
    merkle::assert_consistency(
        81985529216486895,
        x"4a52333cdb03920c8d385b5bb58af385cfa167de008f9ea7133bfbb09ef0b828",
        18364758544493064720,
        x"51ff139a5a93ecb79111f49bda35153c9e66ce460323a50e45d1b0fd277758ab",
        vector[
            x"838223115504eade3b5bc951bed53f196ec115b373d01a0e3f326dd89b6f93aa",
            x"9b93b45750fd31be0a5434554f806a35f1e8252a7e3237a3a99d70642454e9fb",
            x"25ce6f29c7439fc6967c3603ca0d47f716a448617f049c84bee374cfb2f8d3ce",
            x"18c5cec3aec3915a3467e5b2d9bde68897907e6762821c90ff64210d009aba3d",
            x"969188692767d5bdac796d076364f7679e38119104ec3977dea65cff55be03c8",
            x"6d54db2f5191f53f69988daa407411446a23ffd7dd7dee2f7c594870abcd223c",
            x"642f8ed5dc7e5c32f33a4de8c010ef5b335caf89d71517441651ceae7eb7e2de",
            x"6811bb0d29d014425b1615ee6463f1f4aa136ffef606d9ff92b7054bf97cb9e5",
            x"ad6b3252e2f613003ef4a5a407ffc38e3070264723c1083f889d445cd91341b5",
            x"4556f53134b469fd7457811e3a9122e35bcd1128a65ac5280b97dd14fa50fa51",
            x"743004738a29e431e59e184bf758faa33bdab1195457131a44e47a0ee396e5ee",
            x"97225261e275dfe3c628d9d65adb167a22f2207ab8979ef7b016e1586ed57a88",
            x"5e360cd2bf03ace06637220a13cc83b20ce0139147812c69d220263789f7b01d",
            x"fb61af6204cf71bb5c3b4881aedd36666e0446d8120fcbf2484d2f6b48a3fabe",
            x"3fb45ead18fa2aa1a6f4890c43ec1890a2681252f94569bc6f065ee77cf52806",
            x"d0727b2b8d8ad1392faf5cf40a541d4e848934d442569a887e95edaddfd02c52",
            x"11da35ab62dfa651e546a069a39ebac2a0ca3103dd6358fb57fee703c7b65878",
            x"63091b53a15c94a8ecad2fe2c4631f9bc4f65f271e4eceb50a2ced7be0035685",
            x"f9dd6e913b959d7a26865a523c8261641211a6431206710ecec477d974fd9176",
            x"0effb696644e1aee21e96f1e9a673a98e10e34ff648738bcb4bd2899b236fbb1",
            x"9568ff145eb31edfe05e72e8307ddc39bd62438be794f12fc1eca8f0d972d3ff",
            x"aabd8b676883154c95693db786221fe787f358ddc0c19e7e42687f0afae8f425",
            x"f4ec419a08961464f65362bce37b6e1c4412bff3f644bd3b8af637a66eb54fca",
            x"e7ecc1f849d037c5f424e7583344b7dde440191950f9eaaa5e3c2bd92ee7d9ef",
            x"db8e6855d5cafe1257255d6e824d5214d54cc407eb67d45e8dd653105da125c1",
            x"f3f88a69242e5ec133c9bf0d928036360019f99f2c711dbbf5ee7c1423c19583",
            x"2b4b00db989ce02c6ede616e1b9d42d5e3db3523c0893cda00d86d616161f772",
            x"59b2dc2d91fbddd8c2d4e1a6145f3a4b31c4d1df9c751435023e3205da3395a3",
            x"c78e54de2168db12d80639629dab9277ab64fa7f1b2a6df133aef6d87dd7a6ba",
            x"ae88000bb72b18f654787d127832631e824717c95a7780f7e394d6653ece6d54",
            x"772f1b1d21d803bd78e2c9c94f7c94cc238caa53f98575ad7b5b3b169a938b39",
            x"c33ff45697b741f5e9580d5a231a41411c06c6b83dd65ca93a9db796cca60f10",
            x"3ad2fac5ffa659c1c66331f593b1a55fd96569f63c9ceb0abe17c06cb4139287",
            x"74820a12f031b325e7dc0d1da2cbd7cd5a2db2607ac4c1d52ba4b3a2523dad02",
            x"6b794eb4e90b864ca4a4ee1839c12ae50a85338228577b0039d58eef6ab7f457",
            x"cf938addebd410cdd5256d8b242349494fd266d8246ef100d7e9acf9cd1b129d",
            x"dc3a870f5616729e0ec0d9ce464415d0952bbe13667f37f6cfbd968a32722a95",
            x"5092257ffd279dc18cd33ac34406ccec8d89e37eec6f2b62b7aa144a184b2a39",
            x"dbcc736395c3915206b70f1cf4ad966f5f5d107a39836ea52eb0575ed9f517a5",
            x"b847b38df53ae00e9975a840e2f25507e2870acb3ba236405adc5b447d1e29cc",
            x"0cdcb434718e42050da28ca02237e98efcdd49fd1274b1ce3f9bbb61752cfc17",
            x"f2e396c752676c1f32447abfd6cf2f61e9573884dd1968ba8435ac92fed5ebed",
            x"3da83a72fb26b15e10a48f2d915123362942769f1781561aebc3735a9ed9417a",
            x"10483127aedd01a0be7635d5a2831b29b253a0f3b0e012f2208a3e1b4bc6d2e6",
            x"ea2621de1c54a9920689902d4d9de59e77dae18aa2af7a09a9acc5c8e54d6f1d",
            x"8f45d8255b0bcd897ca9c0b4e0d1143302edad41f56794cb5adb8fae33ecf32b",
            x"86b2b20375848f1c13701b25e11623cf27ee9ea11bd95a86f671904cefcdee3e",
            x"5e737b5490aa571d4bc4a44c8be96b36602db05406f98ef7b3b17fa0dbf76b42",
            x"7aed83ea6a42ec6c09bb90889572e8b99bf9da5b27fa4254299a080605d435c0",
            x"1b104597bb1044e25ea22ab7fce86a916d1b930a80dbd459dfb67252e1980b79",
            x"0e71d0b58ee84e87a66962d0e41838b4d70921e936b589d11b899b26771783f0",
            x"79425fd0616d215bdb49d6fe3c7caf94db4afe6617f756773615aa9037766e89",
            x"ba9645ab374127780c5c4032d9853218665d91a91c2e33a320ffe34c71f4cb35",
            x"19625cd57f0104d669cca4b7f5f635d9f262f8ea755d8ea0ff046cbc4b841b89",
            x"993d459e7c106f47b938356a4c9e4ae5493e210e7d348f9fd4a01be0e2a4ba3b",
            x"56bc4f7b47a82c82bc017f9823cebd4cdbf8601f8d597775ac66914a2c7ac2df",
            x"bbeecb70273db170a62f7b38caabde62d55c0746d2758f09c1abfb8ac7cc2c96",
            x"dfe8841b24611abcc4003803b0ae965a82dd1bdff9aef8d4854ff74ea563949c",
            x"d5e6cdcfd57a12f3947ec4a328784ad4d1573f37d5a3f38ab62874fdc876a6cb",
            x"7b20c9e3ae3841e0c4e857aaadb9f72d9f0013f4281c904f5bc769bd0ab2feb5",
            x"975d09aa5dd257ecdf564ffb58d5296bad949a04b424476afcf8c26b1d8e22a4",
            x"5746e725b427863046684d20296ebb95a9cd620e91693f4ecfb559fff8acd084",
            x"c99a95de83ce28c310c3140b216b292f0c48e503fcbbd0f0a85087a3eacf8bdc",
            x"8eb8fe09f775f5b4e7172a35d7f96e72d4aaa0a36ef6c8a5a63141dc088dda8d",
            x"fb33d768c6962145b3398e090cd9534617e7c55cdf8fd3e8a943f8798dfa1298",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_large_mixed_flipped() {
    merkle::assert_consistency(
        81985529216486895,
        x"4a52333cdb03920c8d385b5bb58af385cfa167de008f9ea7133bfbb09ef0b828",
        18364758544493064720,
        x"51ff139a5a93ecb79111f49bda35153c9e66ce460323a50e45d1b0fd277758ab",
        vector[
            x"838223115504eade3b5bc951bed53f196ec115b373d01a0e3f326dd89b6f93aa",
            x"9b93b45750fd31be0a5434554f806a35f1e8252a7e3237a3a99d70642454e9fb",
            x"25ce6f29c7439fc6967c3603ca0d47f716a448617f049c84bee374cfb2f8d3ce",
            x"18c5cec3aec3915a3467e5b2d9bde68897907e6762821c90ff64210d009aba3d",
            x"969188692767d5bdac796d076364f7679e38119104ec3977dea65cff55be03c8",
            x"6d54db2f5191f53f69988daa407411446a23ffd7dd7dee2f7c594870abcd223c",
            x"642f8ed5dc7e5c32f33a4de8c010ef5b335caf89d71517441651ceae7eb7e2de",
            x"6811bb0d29d014425b1615ee6463f1f4aa136ffef606d9ff92b7054bf97cb9e5",
            x"ad6b3252e2f613003ef4a5a407ffc38e3070264723c1083f889d445cd91341b5",
            x"4556f53134b469fd7457811e3a9122e35bcd1128a65ac5280b97dd14fa50fa51",
            x"743004738a29e431e59e184bf758faa33bdab1195457131a44e47a0ee396e5ee",
            x"97225261e275dfe3c628d9d65adb167a22f2207ab8979ef7b016e1586ed57a88",
            x"5e360cd2bf03ace06637220a13cc83b20ce0139147812c69d220263789f7b01d",
            x"fb61af6204cf71bb5c3b4881aedd36666e0446d8120fcbf2484d2f6b48a3fabe",
            x"3fb45ead18fa2aa1a6f4890c43ec1890a2681252f94569bc6f065ee77cf52806",
            x"d0727b2b8d8ad1392faf5cf40a541d4e848934d442569a887e95edaddfd02c52",
            x"11da35ab62dfa651e546a069a39ebac2a0ca3103dd6358fb57fee703c7b65878",
            x"63091b53a15c94a8ecad2fe2c4631f9bc4f65f271e4eceb50a2ced7be0035685",
            x"f9dd6e913b959d7a26865a523c8261641211a6431206710ecec477d974fd9176",
            x"0effb696644e1aee21e96f1e9a673a98e10e34ff648738bcb4bd2899b236fbb1",
            x"9568ff145eb31edfe05e72e8307ddc39bd62438be794f12fc1eca8f0d972d3ff",
            x"aabd8b676883154c95693db786221fe787f358ddc0c19e7e42687f0afae8f425",
            x"f4ec419a08961464f65362bce37b6e1c4412bff3f644bd3b8af637a66eb54fca",
            x"e7ecc1f849d037c5f424e7583344b7dde440191950f9eaaa5e3c2bd92ee7d9ef",
            x"db8e6855d5cafe1257255d6e824d5214d54cc407eb67d45e8dd653105da125c1",
            x"f3f88a69242e5ec133c9bf0d928036360019f99f2c711dbbf5ee7c1423c19583",
            x"2b4b00db989ce02c6ede616e1b9d42d5e3db3523c0893cda00d86d616161f772",
            x"59b2dc2d91fbddd8c2d4e1a6145f3a4b31c4d1df9c751435023e3205da3395a3",
            x"c78e54de2168db12d80639629dab9277ab64fa7f1b2a6df133aef6d87dd7a6ba",
            x"ae88000bb72b18f654787d127832631e824717c95a7780f7e394d6653ece6d54",
            x"772f1b1d21d803bd78e2c9c94f7c94cc238caa53f98575ad7b5b3b169a938b39",
            x"c33ff45697b741f5e9580d5a231a41411c06c6b83dd65ca93a9db796cca60f10",
            x"3ad2fac5ffa659c1c66331f593b1a55fd96569f63c9ceb0abe17c06cb4139287",
            x"74820a12f031b325e7dc0d1da2cbd7cd5a2db2607ac4c1d52ba4b3a2523dad02",
            x"6b794eb4e90b864ca4a4ee1839c12ae50a85338228577b0039d58eef6ab7f457",
            x"cf938addebd410cdd5256d8b242349494fd266d8246ef100d7e9acf9cd1b129d",
            x"dc3a870f5616729e0ec0d9ce464415d0952bbe13667f37f6cfbd968a32722a95",
            x"5092257ffd279dc18cd33ac34406ccec8d89e37eec6f2b62b7aa144a184b2a39",
            x"dbcc736395c3915206b70f1cf4ad966f5f5d107a39836ea52eb0575ed9f517a5",
            x"b847b38df53ae00e9975a840e2f25507e2870acb3ba236405adc5b447d1e29cc",
            x"0cdcb434718e42050da28ca02237e98efcdd49fd1274b1ce3f9bbb61752cfc17",
            x"f2e396c752676c1f32447abfd6cf2f61e9573884dd1968ba8435ac92fed5ebed",
            x"3da83a72fb26b15e10a48f2d915123362942769f1781561aebc3735a9ed9417a",
            x"10483127aedd01a0be7635d5a2831b29b253a0f3b0e012f2208a3e1b4bc6d2e6",
            x"ea2621de1c54a9920689902d4d9de59e77dae18aa2af7a09a9acc5c8e54d6f1d",
            x"8f45d8255b0bcd897ca9c0b4e0d1143302edad41f56794cb5adb8fae33ecf32b",
            x"86b2b20375848f1c13701b25e11623cf27ee9ea11bd95a86f671904cefcdee3e",
            x"5e737b5490aa571d4bc4a44c8be96b36602db05406f98ef7b3b17fa0dbf76b42",
            x"7aed83ea6a42ec6c09bb90889572e8b99bf9da5b27fa4254299a080605d435c0",
            x"1b104597bb1044e25ea22ab7fce86a916d1b930a80dbd459dfb67252e1980b79",
            x"0e71d0b58ee84e87a66962d0e41838b4d70921e936b589d11b899b26771783f0",
            x"79425fd0616d215bdb49d6fe3c7caf94db4afe6617f756773615aa9037766e89",
            x"ba9645ab374127780c5c4032d9853218665d91a91c2e33a320ffe34c71f4cb35",
            x"19625cd57f0104d669cca4b7f5f635d9f262f8ea755d8ea0ff046cbc4b841b89",
            x"993d459e7c106f47b938356a4c9e4ae5493e210e7d348f9fd4a01be0e2a4ba3b",
            x"56bc4f7b47a82c82bc017f9823cebd4cdbf8601f8d597775ac66914a2c7ac2df",
            x"bbeecb70273db170a62f7b38caabde62d55c0746d2758f09c1abfb8ac7cc2c96",
            x"dfe8841b24611abcc4003803b0ae965a82dd1bdff9aef8d4854ff74ea563949c",
            x"d5e6cdcfd57a12f3947ec4a328784ad4d1573f37d5a3f38ab62874fdc876a6cb",
            x"7b20c9e3ae3841e0c4e857aaadb9f72d9f0013f4281c904f5bc769bd0ab2feb5",
            x"975d09aa5dd257ecdf564ffb58d5296bad949a04b424476afcf8c26b1d8e22a4",
            x"5746e725b427863046684d20296ebb95a9cd620e91693f4ecfb559fff8acd084",
            x"c99a95de83ce28c310c3140b216b292f0c48e503fcbbd0f0a85087a3eacf8bdc",
            x"8eb8fe09f775f5b4e7172a35d7f96e72d4aaa0a36ef6c8a5a63141dc088dda8d",
            x"fa33d768c6962145b3398e090cd9534617e7c55cdf8fd3e8a943f8798dfa1298",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_large_mixed_missing() {
    merkle::assert_consistency(
        81985529216486895,
        x"4a52333cdb03920c8d385b5bb58af385cfa167de008f9ea7133bfbb09ef0b828",
        18364758544493064720,
        x"51ff139a5a93ecb79111f49bda35153c9e66ce460323a50e45d1b0fd277758ab",
        vector[
            x"9b93b45750fd31be0a5434554f806a35f1e8252a7e3237a3a99d70642454e9fb",
            x"25ce6f29c7439fc6967c3603ca0d47f716a448617f049c84bee374cfb2f8d3ce",
            x"18c5cec3aec3915a3467e5b2d9bde68897907e6762821c90ff64210d009aba3d",
            x"969188692767d5bdac796d076364f7679e38119104ec3977dea65cff55be03c8",
            x"6d54db2f5191f53f69988daa407411446a23ffd7dd7dee2f7c594870abcd223c",
            x"642f8ed5dc7e5c32f33a4de8c010ef5b335caf89d71517441651ceae7eb7e2de",
            x"6811bb0d29d014425b1615ee6463f1f4aa136ffef606d9ff92b7054bf97cb9e5",
            x"ad6b3252e2f613003ef4a5a407ffc38e3070264723c1083f889d445cd91341b5",
            x"4556f53134b469fd7457811e3a9122e35bcd1128a65ac5280b97dd14fa50fa51",
            x"743004738a29e431e59e184bf758faa33bdab1195457131a44e47a0ee396e5ee",
            x"97225261e275dfe3c628d9d65adb167a22f2207ab8979ef7b016e1586ed57a88",
            x"5e360cd2bf03ace06637220a13cc83b20ce0139147812c69d220263789f7b01d",
            x"fb61af6204cf71bb5c3b4881aedd36666e0446d8120fcbf2484d2f6b48a3fabe",
            x"3fb45ead18fa2aa1a6f4890c43ec1890a2681252f94569bc6f065ee77cf52806",
            x"d0727b2b8d8ad1392faf5cf40a541d4e848934d442569a887e95edaddfd02c52",
            x"11da35ab62dfa651e546a069a39ebac2a0ca3103dd6358fb57fee703c7b65878",
            x"63091b53a15c94a8ecad2fe2c4631f9bc4f65f271e4eceb50a2ced7be0035685",
            x"f9dd6e913b959d7a26865a523c8261641211a6431206710ecec477d974fd9176",
            x"0effb696644e1aee21e96f1e9a673a98e10e34ff648738bcb4bd2899b236fbb1",
            x"9568ff145eb31edfe05e72e8307ddc39bd62438be794f12fc1eca8f0d972d3ff",
            x"aabd8b676883154c95693db786221fe787f358ddc0c19e7e42687f0afae8f425",
            x"f4ec419a08961464f65362bce37b6e1c4412bff3f644bd3b8af637a66eb54fca",
            x"e7ecc1f849d037c5f424e7583344b7dde440191950f9eaaa5e3c2bd92ee7d9ef",
            x"db8e6855d5cafe1257255d6e824d5214d54cc407eb67d45e8dd653105da125c1",
            x"f3f88a69242e5ec133c9bf0d928036360019f99f2c711dbbf5ee7c1423c19583",
            x"2b4b00db989ce02c6ede616e1b9d42d5e3db3523c0893cda00d86d616161f772",
            x"59b2dc2d91fbddd8c2d4e1a6145f3a4b31c4d1df9c751435023e3205da3395a3",
            x"c78e54de2168db12d80639629dab9277ab64fa7f1b2a6df133aef6d87dd7a6ba",
            x"ae88000bb72b18f654787d127832631e824717c95a7780f7e394d6653ece6d54",
            x"772f1b1d21d803bd78e2c9c94f7c94cc238caa53f98575ad7b5b3b169a938b39",
            x"c33ff45697b741f5e9580d5a231a41411c06c6b83dd65ca93a9db796cca60f10",
            x"3ad2fac5ffa659c1c66331f593b1a55fd96569f63c9ceb0abe17c06cb4139287",
            x"74820a12f031b325e7dc0d1da2cbd7cd5a2db2607ac4c1d52ba4b3a2523dad02",
            x"6b794eb4e90b864ca4a4ee1839c12ae50a85338228577b0039d58eef6ab7f457",
            x"cf938addebd410cdd5256d8b242349494fd266d8246ef100d7e9acf9cd1b129d",
            x"dc3a870f5616729e0ec0d9ce464415d0952bbe13667f37f6cfbd968a32722a95",
            x"5092257ffd279dc18cd33ac34406ccec8d89e37eec6f2b62b7aa144a184b2a39",
            x"dbcc736395c3915206b70f1cf4ad966f5f5d107a39836ea52eb0575ed9f517a5",
            x"b847b38df53ae00e9975a840e2f25507e2870acb3ba236405adc5b447d1e29cc",
            x"0cdcb434718e42050da28ca02237e98efcdd49fd1274b1ce3f9bbb61752cfc17",
            x"f2e396c752676c1f32447abfd6cf2f61e9573884dd1968ba8435ac92fed5ebed",
            x"3da83a72fb26b15e10a48f2d915123362942769f1781561aebc3735a9ed9417a",
            x"10483127aedd01a0be7635d5a2831b29b253a0f3b0e012f2208a3e1b4bc6d2e6",
            x"ea2621de1c54a9920689902d4d9de59e77dae18aa2af7a09a9acc5c8e54d6f1d",
            x"8f45d8255b0bcd897ca9c0b4e0d1143302edad41f56794cb5adb8fae33ecf32b",
            x"86b2b20375848f1c13701b25e11623cf27ee9ea11bd95a86f671904cefcdee3e",
            x"5e737b5490aa571d4bc4a44c8be96b36602db05406f98ef7b3b17fa0dbf76b42",
            x"7aed83ea6a42ec6c09bb90889572e8b99bf9da5b27fa4254299a080605d435c0",
            x"1b104597bb1044e25ea22ab7fce86a916d1b930a80dbd459dfb67252e1980b79",
            x"0e71d0b58ee84e87a66962d0e41838b4d70921e936b589d11b899b26771783f0",
            x"79425fd0616d215bdb49d6fe3c7caf94db4afe6617f756773615aa9037766e89",
            x"ba9645ab374127780c5c4032d9853218665d91a91c2e33a320ffe34c71f4cb35",
            x"19625cd57f0104d669cca4b7f5f635d9f262f8ea755d8ea0ff046cbc4b841b89",
            x"993d459e7c106f47b938356a4c9e4ae5493e210e7d348f9fd4a01be0e2a4ba3b",
            x"56bc4f7b47a82c82bc017f9823cebd4cdbf8601f8d597775ac66914a2c7ac2df",
            x"bbeecb70273db170a62f7b38caabde62d55c0746d2758f09c1abfb8ac7cc2c96",
            x"dfe8841b24611abcc4003803b0ae965a82dd1bdff9aef8d4854ff74ea563949c",
            x"d5e6cdcfd57a12f3947ec4a328784ad4d1573f37d5a3f38ab62874fdc876a6cb",
            x"7b20c9e3ae3841e0c4e857aaadb9f72d9f0013f4281c904f5bc769bd0ab2feb5",
            x"975d09aa5dd257ecdf564ffb58d5296bad949a04b424476afcf8c26b1d8e22a4",
            x"5746e725b427863046684d20296ebb95a9cd620e91693f4ecfb559fff8acd084",
            x"c99a95de83ce28c310c3140b216b292f0c48e503fcbbd0f0a85087a3eacf8bdc",
            x"8eb8fe09f775f5b4e7172a35d7f96e72d4aaa0a36ef6c8a5a63141dc088dda8d",
            x"fb33d768c6962145b3398e090cd9534617e7c55cdf8fd3e8a943f8798dfa1298",
        ],
    )
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun consistency_large_mixed_extra() {
    merkle::assert_consistency(
        81985529216486895,
        x"4a52333cdb03920c8d385b5bb58af385cfa167de008f9ea7133bfbb09ef0b828",
        18364758544493064720,
        x"51ff139a5a93ecb79111f49bda35153c9e66ce460323a50e45d1b0fd277758ab",
        vector[
            x"838223115504eade3b5bc951bed53f196ec115b373d01a0e3f326dd89b6f93aa",
            x"9b93b45750fd31be0a5434554f806a35f1e8252a7e3237a3a99d70642454e9fb",
            x"25ce6f29c7439fc6967c3603ca0d47f716a448617f049c84bee374cfb2f8d3ce",
            x"18c5cec3aec3915a3467e5b2d9bde68897907e6762821c90ff64210d009aba3d",
            x"969188692767d5bdac796d076364f7679e38119104ec3977dea65cff55be03c8",
            x"6d54db2f5191f53f69988daa407411446a23ffd7dd7dee2f7c594870abcd223c",
            x"642f8ed5dc7e5c32f33a4de8c010ef5b335caf89d71517441651ceae7eb7e2de",
            x"6811bb0d29d014425b1615ee6463f1f4aa136ffef606d9ff92b7054bf97cb9e5",
            x"ad6b3252e2f613003ef4a5a407ffc38e3070264723c1083f889d445cd91341b5",
            x"4556f53134b469fd7457811e3a9122e35bcd1128a65ac5280b97dd14fa50fa51",
            x"743004738a29e431e59e184bf758faa33bdab1195457131a44e47a0ee396e5ee",
            x"97225261e275dfe3c628d9d65adb167a22f2207ab8979ef7b016e1586ed57a88",
            x"5e360cd2bf03ace06637220a13cc83b20ce0139147812c69d220263789f7b01d",
            x"fb61af6204cf71bb5c3b4881aedd36666e0446d8120fcbf2484d2f6b48a3fabe",
            x"3fb45ead18fa2aa1a6f4890c43ec1890a2681252f94569bc6f065ee77cf52806",
            x"d0727b2b8d8ad1392faf5cf40a541d4e848934d442569a887e95edaddfd02c52",
            x"11da35ab62dfa651e546a069a39ebac2a0ca3103dd6358fb57fee703c7b65878",
            x"63091b53a15c94a8ecad2fe2c4631f9bc4f65f271e4eceb50a2ced7be0035685",
            x"f9dd6e913b959d7a26865a523c8261641211a6431206710ecec477d974fd9176",
            x"0effb696644e1aee21e96f1e9a673a98e10e34ff648738bcb4bd2899b236fbb1",
            x"9568ff145eb31edfe05e72e8307ddc39bd62438be794f12fc1eca8f0d972d3ff",
            x"aabd8b676883154c95693db786221fe787f358ddc0c19e7e42687f0afae8f425",
            x"f4ec419a08961464f65362bce37b6e1c4412bff3f644bd3b8af637a66eb54fca",
            x"e7ecc1f849d037c5f424e7583344b7dde440191950f9eaaa5e3c2bd92ee7d9ef",
            x"db8e6855d5cafe1257255d6e824d5214d54cc407eb67d45e8dd653105da125c1",
            x"f3f88a69242e5ec133c9bf0d928036360019f99f2c711dbbf5ee7c1423c19583",
            x"2b4b00db989ce02c6ede616e1b9d42d5e3db3523c0893cda00d86d616161f772",
            x"59b2dc2d91fbddd8c2d4e1a6145f3a4b31c4d1df9c751435023e3205da3395a3",
            x"c78e54de2168db12d80639629dab9277ab64fa7f1b2a6df133aef6d87dd7a6ba",
            x"ae88000bb72b18f654787d127832631e824717c95a7780f7e394d6653ece6d54",
            x"772f1b1d21d803bd78e2c9c94f7c94cc238caa53f98575ad7b5b3b169a938b39",
            x"c33ff45697b741f5e9580d5a231a41411c06c6b83dd65ca93a9db796cca60f10",
            x"3ad2fac5ffa659c1c66331f593b1a55fd96569f63c9ceb0abe17c06cb4139287",
            x"74820a12f031b325e7dc0d1da2cbd7cd5a2db2607ac4c1d52ba4b3a2523dad02",
            x"6b794eb4e90b864ca4a4ee1839c12ae50a85338228577b0039d58eef6ab7f457",
            x"cf938addebd410cdd5256d8b242349494fd266d8246ef100d7e9acf9cd1b129d",
            x"dc3a870f5616729e0ec0d9ce464415d0952bbe13667f37f6cfbd968a32722a95",
            x"5092257ffd279dc18cd33ac34406ccec8d89e37eec6f2b62b7aa144a184b2a39",
            x"dbcc736395c3915206b70f1cf4ad966f5f5d107a39836ea52eb0575ed9f517a5",
            x"b847b38df53ae00e9975a840e2f25507e2870acb3ba236405adc5b447d1e29cc",
            x"0cdcb434718e42050da28ca02237e98efcdd49fd1274b1ce3f9bbb61752cfc17",
            x"f2e396c752676c1f32447abfd6cf2f61e9573884dd1968ba8435ac92fed5ebed",
            x"3da83a72fb26b15e10a48f2d915123362942769f1781561aebc3735a9ed9417a",
            x"10483127aedd01a0be7635d5a2831b29b253a0f3b0e012f2208a3e1b4bc6d2e6",
            x"ea2621de1c54a9920689902d4d9de59e77dae18aa2af7a09a9acc5c8e54d6f1d",
            x"8f45d8255b0bcd897ca9c0b4e0d1143302edad41f56794cb5adb8fae33ecf32b",
            x"86b2b20375848f1c13701b25e11623cf27ee9ea11bd95a86f671904cefcdee3e",
            x"5e737b5490aa571d4bc4a44c8be96b36602db05406f98ef7b3b17fa0dbf76b42",
            x"7aed83ea6a42ec6c09bb90889572e8b99bf9da5b27fa4254299a080605d435c0",
            x"1b104597bb1044e25ea22ab7fce86a916d1b930a80dbd459dfb67252e1980b79",
            x"0e71d0b58ee84e87a66962d0e41838b4d70921e936b589d11b899b26771783f0",
            x"79425fd0616d215bdb49d6fe3c7caf94db4afe6617f756773615aa9037766e89",
            x"ba9645ab374127780c5c4032d9853218665d91a91c2e33a320ffe34c71f4cb35",
            x"19625cd57f0104d669cca4b7f5f635d9f262f8ea755d8ea0ff046cbc4b841b89",
            x"993d459e7c106f47b938356a4c9e4ae5493e210e7d348f9fd4a01be0e2a4ba3b",
            x"56bc4f7b47a82c82bc017f9823cebd4cdbf8601f8d597775ac66914a2c7ac2df",
            x"bbeecb70273db170a62f7b38caabde62d55c0746d2758f09c1abfb8ac7cc2c96",
            x"dfe8841b24611abcc4003803b0ae965a82dd1bdff9aef8d4854ff74ea563949c",
            x"d5e6cdcfd57a12f3947ec4a328784ad4d1573f37d5a3f38ab62874fdc876a6cb",
            x"7b20c9e3ae3841e0c4e857aaadb9f72d9f0013f4281c904f5bc769bd0ab2feb5",
            x"975d09aa5dd257ecdf564ffb58d5296bad949a04b424476afcf8c26b1d8e22a4",
            x"5746e725b427863046684d20296ebb95a9cd620e91693f4ecfb559fff8acd084",
            x"c99a95de83ce28c310c3140b216b292f0c48e503fcbbd0f0a85087a3eacf8bdc",
            x"8eb8fe09f775f5b4e7172a35d7f96e72d4aaa0a36ef6c8a5a63141dc088dda8d",
            x"fb33d768c6962145b3398e090cd9534617e7c55cdf8fd3e8a943f8798dfa1298",
            x"838223115504eade3b5bc951bed53f196ec115b373d01a0e3f326dd89b6f93aa",
        ],
    )
}

#[test]
fun consistency_large_max_to_max() {
    merkle::assert_consistency(
        18446744073709551615,
        x"62c66a7a5dd70c3146618063c344e531e6d4b59e379808443ce962b3abd63c5a",
        18446744073709551615,
        x"62c66a7a5dd70c3146618063c344e531e6d4b59e379808443ce962b3abd63c5a",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun consistency_large_max_to_max_other_root() {
    merkle::assert_consistency(
        18446744073709551615,
        x"62c66a7a5dd70c3146618063c344e531e6d4b59e379808443ce962b3abd63c5a",
        18446744073709551615,
        x"1b16b1df538ba12dc3f97edbb85caa7050d46c148134290feba80f8236c83db9",
        vector[],
    )
}

#[test]
fun consistency_large_zero_to_max() {
    merkle::assert_consistency(
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        18446744073709551615,
        x"62c66a7a5dd70c3146618063c344e531e6d4b59e379808443ce962b3abd63c5a",
        vector[],
    )
}

#[test, expected_failure(abort_code = merkle::ESizesReversed)]
fun consistency_large_max_to_zero() {
    merkle::assert_consistency(
        18446744073709551615,
        x"62c66a7a5dd70c3146618063c344e531e6d4b59e379808443ce962b3abd63c5a",
        0,
        x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        vector[],
    )
}
