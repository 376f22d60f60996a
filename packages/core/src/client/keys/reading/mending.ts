/** The commands that messages advise. A test runs each of them. */
export const MENDING = {
  newKey: 'openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out private.pem',
  decryptPem: 'openssl pkcs8 -topk8 -nocrypt -in key.pem -out private.pem',
  decryptDer: 'openssl pkcs8 -inform DER -in key.der -out private.pem',
  fromPkcs12: 'openssl pkcs12 -in key.p12 -nocerts -nodes -out private.pem',
  fromOpenSsh: "cp key private.pem && ssh-keygen -p -m PKCS8 -N '' -f private.pem",
  mendDashes: "sed -E 's/^-*(BEGIN|END) ([A-Z ]*PRIVATE KEY)-*/-----\\1 \\2-----/' key.pem > private.pem",
  oneLine: `awk '{printf "%s\\\\n", $0}' private.pem`,
} as const
