;[
  {
    name: 'docs/adapters.md and the adapter that was written by it do not drift apart > its blocks are the adapter',
    file: '/work/main/test/adapters-page.test.ts',
  },
  {
    name: 'docs/adapters.md and the adapter that was written by it do not drift apart > its last block is the test, which imports the adapter besides',
    file: '/work/main/test/adapters-page.test.ts',
  },
  {
    name: 'docs/adapters.md and the adapter that was written by it do not drift apart > the adapter has less than 100 lines',
    file: '/work/main/test/adapters-page.test.ts',
  },
  {
    name: 'a first key > ES384: a private set for its owner alone, and the public set beside it',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: 'a first key > RS384: a private set for its owner alone, and the public set beside it',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: 'a first key > ES384 unless said otherwise; the kid is the thumbprint',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: 'a first key > says what to host, to register and to give to the app, and shows no private member',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: 'a first key > is refused where there is a private.jwks.json, and nothing is written',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: 'a first key > is refused where there is a jwks.json, and nothing is written',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: 'a first key > of two runs at once one writes, and the other is refused',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: 'a first key > a folder that cannot be made is no fault of the command',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: 'a first key > an algorithm that SMART does not require is refused',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: '--rotate > adds the next key with the time from which it signs, and publishes both',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: '--rotate > by itself: nothing changes before that time, and from the date that it tells nothing needs the old key',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: '--rotate > --sign-from chooses the time',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: '--rotate > --sign-from before servers know the key is a warning',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: '--rotate > a second next key is a warning',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: '--rotate > a time without a zone is refused, and nothing is written',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: '--rotate > words is refused, and nothing is written',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: '--rotate > a time at which another key has taken over is refused',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: '--rotate > --sign-from alone is refused: a first key signs at once',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: '--rotate > the public set may still have a key whose time is over',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: '--rotate > the next key is of the same algorithm, unless asked; then it says what that does',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: '--rotate > a file with one JWK becomes a set; other members stay',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: '--rotate > what a symbolic link points to is rotated, and the link stays',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: '--rotate > a public set of other keys is not overwritten, and nothing else is',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: '--rotate > a file that is not there is refused',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: '--rotate > a file without keys is refused',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: '--rotate > a file that is no JSON is refused',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: '--rotate > a PEM file holds one key only',
    file: '/work/main/packages/cli/test/keygen.test.ts',
  },
  {
    name: 'jwks FILE > prints the public set and nothing else, and beside it what the key does',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks FILE > says of each key what it does, and until when',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks FILE > warns, beside the result, of a file that others may read',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks FILE > a public set is refused in words that name the file',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks FILE > no key is refused in words that name the file',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks FILE > needs a file or a URL',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: a set that a server can use > has no finding',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: a set that a server can use > as text',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: a set that a server can use > is fetched once, by GET, without credentials',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: a set that a server can use > with a file: its keys must be in the hosted set',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the keys > a private member',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the keys > two keys of one kid',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the keys > two keys of one kid and different types',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the keys > no kid',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the keys > no alg',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the keys > no use',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the keys > another use',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the keys > a symmetric key',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the keys > RSA 1024',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the keys > alg of another curve',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the keys > alg of another type',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the keys > no y',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the keys > only x5c',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the keys > an unknown type',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the keys > a type of a name that objects have',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the keys > an unknown curve',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the keys > no key',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the keys > no list',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the keys > one JWK, not a set',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the keys > an entry that is no object',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the keys > everything at once',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > a redirect is not followed; it says where the keys are',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > status 401',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > status 403',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > status 404',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > status 500',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > a page in place of JSON',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > another content type is a warning at most',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > no content type is a warning at most',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > the type of a JWK Set is a warning at most',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > no cache time is a warning at most',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > a cache header without a time is a warning at most',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > no caching is a warning at most',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > max-age=0 is a warning at most',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > a week is a warning at most',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > a day is a warning at most',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > plain http to another machine: nothing is sent',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > a certificate that nobody signed',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > https at a port that speaks http',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > nothing listens',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > the connection is cut',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > no answer within the time limit',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > an answer that stops half-way within the time limit',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > a body without an end',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > a name that does not exist',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'jwks --check: what is wrong with the hosting > control characters of a server do not reach the screen',
    file: '/work/main/packages/cli/test/jwks.test.ts',
  },
  {
    name: 'a token is had > by the environment: assertion, request and answer are shown, but neither signature nor token',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'a token is had > as text',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'a token is had > --reveal shows the token and the whole assertion',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'a token is had > InteliChart: the request of its dialect',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'a token is had > with a client secret, from the environment or a file',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'a token is had > less scope than asked for is a warning',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'where the configuration comes from > an option wins over the file, and the file over the environment',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'where the configuration comes from > the keys may stand in the variable or in the file, and a path in the file is relative to it',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'where the configuration comes from > without FHIR_BASE_URL it says how to set it, and sends nothing',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'where the configuration comes from > without CLIENT_ID it says how to set it, and sends nothing',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'where the configuration comes from > without SCOPE it says how to set it, and sends nothing',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'where the configuration comes from > without PRIVATE_JWKS it says how to set it, and sends nothing',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'where the configuration comes from > a file that is not there',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'where the configuration comes from > a file that is no JSON',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'where the configuration comes from > a list',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'where the configuration comes from > a member that is not known',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'where the configuration comes from > a member that is no text',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'where the configuration comes from > InteliChart without the JWKS URL',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'where the configuration comes from > a key that is not understood (base64) is not repeated in the message',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'where the configuration comes from > a key that is not understood (base64 of many lines) is not repeated in the message',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'where the configuration comes from > a key that is not understood (longer than a name can be) is not repeated in the message',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'where the configuration comes from > a key that is not understood (in quotes) is not repeated in the message',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'where the configuration comes from > a client secret is no option',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'no token: what to check, the likeliest first > the server does not find the key',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'no token: what to check, the likeliest first > an unknown client id, and a wrong secret',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'no token: what to check, the likeliest first > the error unauthorized_client',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'no token: what to check, the likeliest first > the error invalid_scope',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'no token: what to check, the likeliest first > the error unsupported_grant_type',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'no token: what to check, the likeliest first > the error invalid_request',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'no token: what to check, the likeliest first > the error invalid_grant',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'no token: what to check, the likeliest first > the error temporarily_unavailable',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'no token: what to check, the likeliest first > the error public_key error',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'no token: what to check, the likeliest first > status 404 without an OAuth error',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'no token: what to check, the likeliest first > status 403 without an OAuth error',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'no token: what to check, the likeliest first > status 500 without an OAuth error',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'no token: what to check, the likeliest first > status 429 without an OAuth error',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'no token: what to check, the likeliest first > the fault html',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'no token: what to check, the likeliest first > the fault reset',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'no token: what to check, the likeliest first > a redirect is not followed, and its target is shown',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'no token: what to check, the likeliest first > a clock that differs comes first',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'no token: what to check, the likeliest first > discovery fails: nothing is sent to a token endpoint',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'what a server sends back of what must not show > tokens in any member, an echo of the assertion, of the secret and of the credentials',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'what a server sends back of what must not show > a token in a form',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'what a server sends back of what must not show > a token in JSON that is broken',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'what a server sends back of what must not show > a token in a page',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'what a server sends back of what must not show > a token in a very long answer',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'what a server sends back of what must not show > not even --reveal shows the client secret',
    file: '/work/main/packages/cli/test/token.test.ts',
  },
  {
    name: 'the app signs for itself > serves its public keys, where the server looked for them, and no private part',
    file: '/work/main/apps/fastify-export/test/export.test.ts',
  },
  {
    name: 'the app signs for itself > with one token for pages, exports and commands',
    file: '/work/main/apps/fastify-export/test/export.test.ts',
  },
  {
    name: 'an export on the page > is told by events until all files are there, with their counts',
    file: '/work/main/apps/fastify-export/test/export.test.ts',
  },
  {
    name: 'an export on the page > goes on when the server is too busy to answer for a while',
    file: '/work/main/apps/fastify-export/test/export.test.ts',
  },
  {
    name: 'an export on the page > fails when the server does not say where to ask',
    file: '/work/main/apps/fastify-export/test/export.test.ts',
  },
  {
    name: 'an export on the page > says why it failed, in the words of the server',
    file: '/work/main/apps/fastify-export/test/export.test.ts',
  },
  {
    name: 'an export on the page > is cancelled at the server too',
    file: '/work/main/apps/fastify-export/test/export.test.ts',
  },
  {
    name: 'an export on the page > is cancelled when the app ends',
    file: '/work/main/apps/fastify-export/test/export.test.ts',
  },
  {
    name: 'an export on the page > is not started by the form of another site',
    file: '/work/main/apps/fastify-export/test/export.test.ts',
  },
  {
    name: 'an export on the page > is not started without a token, and the page says so',
    file: '/work/main/apps/fastify-export/test/export.test.ts',
  },
  {
    name: 'an export on the page > that nobody knows is not found',
    file: '/work/main/apps/fastify-export/test/export.test.ts',
  },
  {
    name: 'an export in the terminal > draws a bar on a terminal, writes plain lines anywhere else, and saves each file',
    file: '/work/main/apps/fastify-export/test/export.test.ts',
  },
  {
    name: 'an export in the terminal > is cancelled at the server too',
    file: '/work/main/apps/fastify-export/test/export.test.ts',
  },
  {
    name: 'the page in Chromium > shows progress up to the files, without a reload',
    file: '/work/main/apps/fastify-export/test/export.test.ts',
  },
  {
    name: '10,000 token requests over three rotations, at servers that cache the JWKS up to its max-age > JWKS-03 JWKS-06 none is rejected, and nobody restarts anything',
    file: '/work/main/packages/core/test/backend/key-rotation.test.ts',
  },
  {
    name: '10,000 token requests over three rotations, at servers that cache the JWKS up to its max-age > JWKS-06 none is rejected with the least lead and overlap there may be',
    file: '/work/main/packages/core/test/backend/key-rotation.test.ts',
  },
  {
    name: '10,000 token requests over three rotations, at servers that cache the JWKS up to its max-age > JWKS-06 none is rejected when the clocks of the replicas are a minute apart',
    file: '/work/main/packages/core/test/backend/key-rotation.test.ts',
  },
  {
    name: 'the simulation is strict: it rejects what breaks a rule > JWKS-06 a new key that signs at once',
    file: '/work/main/packages/core/test/backend/key-rotation.test.ts',
  },
  {
    name: 'the simulation is strict: it rejects what breaks a rule > JWKS-06 a new key that signs before max-age is over',
    file: '/work/main/packages/core/test/backend/key-rotation.test.ts',
  },
  {
    name: 'the simulation is strict: it rejects what breaks a rule > JWKS-06 an old key that is taken out as soon as the new one signs',
    file: '/work/main/packages/core/test/backend/key-rotation.test.ts',
  },
  {
    name: 'Express 5 > standalone launch > AUTHZ-01 AUTHZ-02 AUTHZ-03 AUTHZ-04 login goes to the authorization endpoint with all that it needs',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > standalone launch > TOK-02 PKCE-02 PKCE-05 the code is exchanged once, with the verifier of its challenge and the client secret',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > standalone launch > RSP-06 IDT-06 the handler finds the patient and the person who logged in',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > standalone launch > RSP-11 fhir.fetch reads with the token in the Authorization header, and in no URL',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > standalone launch > CB-09 a person without a login gets to the page that was asked for, on a clean URL',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > standalone launch > CB-07 after login the browser goes to a path of this app, whatever returnTo says',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > EHR launch > EHR-02 the launch handle goes back to the EHR as it came, with the FHIR base URL as aud',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > EHR launch > EHR-02 RSP-06 RSP-07 the handler finds patient, encounter, intent, banner and user of the EHR',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > EHR launch > EHR-06 an EHR launch ends on a page that names its launch',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > EHR launch > EHR-01 a launch without iss or without launch is refused, and causes no request',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > EHR launch > EHR-03 SEC-08 an iss that is not registered is refused before any request goes out',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > EHR launch > EHR-04 no cache keeps what a launch is answered with, and no referrer tells of it',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > callback > CB-09 a good callback sets the session and redirects to a clean URL, unstored and without referrer',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > callback > CB-04 parameters that are not known are ignored',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > callback > STATE-02 PKCE-06 a state that is altered or missing is refused, and the code is not sent',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > callback > STATE-02 PKCE-03 a callback in another browser is refused, and the code is not sent',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > callback > STATE-03 TOK-06 a callback that is opened again is refused, and its code is not sent again',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > callback > STATE-03 of two callbacks at once, one exchanges the code',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > callback > STATE-04 a login that took too long is refused, and says so',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > callback > STATE-05 what is kept with the state cannot be changed or swapped by the browser',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > callback > CB-02 SEC-05 an iss of another server, or a missing one, is refused, and the code is not sent',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > callback > CB-05 a parameter that stands twice is refused, and the code is not sent',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > authorization errors > CB-06 ERR-04 a refusal by the person is told by its name',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > authorization errors > CB-06 SEC-02 ERR-07 an error is shown escaped, its link only when it is http',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > authorization errors > CB-06 an error with a wrong state is not shown',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > authorization errors > ERR-01 TOK-06 a code that the server refuses logs nobody in, and is not tried again',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > authorization errors > NONCE-01 IDT-01 an id_token with another nonce logs nobody in',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > authorization errors > a callback that failed offers a person to log in again',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > two tabs > EHR-06 two logins at once in one browser both complete, each with its own patient',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > two tabs > with two launches open, a request that names one in query or header gets that patient',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > two tabs > with two launches open, a link or a script of a page belongs to the launch of that page',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > two tabs > EHR-06 with two launches open, a page reached by a plain link gets its launch into its own address',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > two tabs > with two launches open, a request that names none is refused and not guessed',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > two tabs > a launch id of nobody, or of another browser, opens nothing',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > session cookie > SEC-03 an app on https sets cookies for its host alone, unseen by scripts, and opaque',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > session cookie > EHR-07 an app in a frame of the EHR sets cookies that are SameSite=None, Secure and Partitioned',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > session cookie > SEC-03 each cookie is a header of its own, and the one of the login goes when it is done',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > session cookie > SEC-04 the session id changes at login, and the old one opens nothing',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > session cookie > SEC-04 a session id that was planted in the browser is not taken up by a login',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > session cookie > SEC-03 a cookie that was made up opens nothing',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > session cookie > a request with a live session asks nobody and sets no cookie',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > session cookie > a session ends after its lifetime',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > guard > a program without a login gets 401 as problem+json',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > guard > a browser that opens a page without a login is sent to log in, and comes back to that page',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > guard > a script that asks for HTML is refused with 401, since a redirect would lead it nowhere',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > guard > a route without a guard is open, and has no context without a login',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > guard > SCP-04 a scope within what was granted passes',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > guard > SCP-10 ERR-05 a scope that was not granted is 403, named, and nothing is renewed or retried',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > guard > RSP-12 a context that the login did not bring is 403',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > guard > SEC-02 a person is refused by a page: not stored, and without script',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > guard > RSP-10 the token goes to no other server, and the handler is told so',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > guard > login, launch and callback take GET, logout takes POST',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > refresh > RFR-01 RFR-04 a token is renewed before it expires, once however many requests come, and nobody waits for it',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > refresh > RFR-04 requests with an expired token wait for one refresh, and all go on with the new token',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > refresh > RFR-03 a rotated refresh token replaces the old one, and none is used twice',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > refresh > RFR-06 patient, user and launch stay what they were',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > refresh > RFR-07 a refresh token that the server refuses ends the session',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > refresh > RFR-07 while the authorization server is down, a token that still lives serves on',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > refresh > RFR-07 while the authorization server is down, an expired token is 503 with Retry-After, and the session stays',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > refresh > ERR-05 a token that the FHIR server refuses is renewed once, and the request sent again',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > refresh > ERR-05 a 403 of the FHIR server is handed on, and nothing is renewed',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > refresh > without a refresh token the session ends with its token',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > logout > REV-01 logout ends the session here, revokes at the server and goes to its page',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > logout > logout from another origin is refused, and the session stays',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > logout > logout from a page of the app that hides its origin passes, since the browser vouches for it',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > logout > REV-03 a server that cannot be reached does not keep a person logged in',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > logout > logout without a session is no error',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > logout > logout ends one browser, and no other',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > backend > JWKS-02 JWKS-03 JWKS-04 JWKS-05 the public keys are served to anyone as plain JSON that may be cached',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > backend > JWKS-02 the JWKS takes no other method than GET',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > backend > BSV-01 JWT-05 JWT-06 a handler has the token of the app itself, got with an assertion that the JWKS verifies',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > backend > RSP-11 fhir.fetch of a job reads with its token',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > backend > BSV-08 however many requests wait for the token, it is asked for once',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > backend > BSV-09 a token that the FHIR server refuses is replaced once, and the request sent again',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > backend > ERR-01 BSV-12 a token that cannot be had stops guarded routes alone, and says why',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > backend > BSV-08 a token that still lives serves on while its server is down, even when a new one is due',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > backend > a backend token never replaces a person: who is not logged in gets no token of the system',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > backend > a backend token never replaces a person: who is logged in keeps their own context',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > backend > a backend token never replaces a person, also where backendServices() is mounted first',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > mounting > CB-09 an app below a path logs in there, and comes back to the page that was asked for',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > mounting > EHR-02 an app below a path is launched there by the EHR',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > mounting > an app below a path logs out there',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > mounting > JWKS-02 an app below a path serves its JWKS there, and gets its token',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > mounting > an app below a path answers nothing outside it',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > mounting > behind a proxy that strips a prefix, the browser is sent to where the proxy is',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > error path > a refused guard goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > error path > a refused callback goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > error path > a token that cannot be had goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > error path > what is no problem is answered as ever, where problems are forwarded',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > error path > problems are answered by the adapter, whatever error handler the app has',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > error path > the failure of a handler goes to the error handler of the app',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > error path > an error that nobody foresaw goes to the error handler of the app, from a guarded route alone',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > error path > an error that nobody foresaw goes to the error handler of the app, from the callback',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > error path > a session store that fails is 503 for guarded routes, without a word of its reason',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > isolation > SEC-07 requests of several people that are served at the same time each keep their own patient and token',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > isolation > SEC-07 a request without a login gets nothing of one that is served at the same time',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > isolation > SEC-07 logins of several people at the same time each end with their own patient',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > forwarded headers > AUTHZ-03 the redirect URI comes from the configuration, whatever host the request names',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > forwarded headers > CB-07 no redirect of the app leads to the host that a request names',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > forwarded headers > SEC-03 whether cookies are Secure is decided by the configuration, whatever scheme the request names',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > forwarded headers > the origin of a logout is compared with the configuration, whatever host the request names',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 5 > skips 0 cases',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > standalone launch > AUTHZ-01 AUTHZ-02 AUTHZ-03 AUTHZ-04 login goes to the authorization endpoint with all that it needs',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > standalone launch > TOK-02 PKCE-02 PKCE-05 the code is exchanged once, with the verifier of its challenge and the client secret',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > standalone launch > RSP-06 IDT-06 the handler finds the patient and the person who logged in',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > standalone launch > RSP-11 fhir.fetch reads with the token in the Authorization header, and in no URL',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > standalone launch > CB-09 a person without a login gets to the page that was asked for, on a clean URL',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > standalone launch > CB-07 after login the browser goes to a path of this app, whatever returnTo says',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > EHR launch > EHR-02 the launch handle goes back to the EHR as it came, with the FHIR base URL as aud',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > EHR launch > EHR-02 RSP-06 RSP-07 the handler finds patient, encounter, intent, banner and user of the EHR',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > EHR launch > EHR-06 an EHR launch ends on a page that names its launch',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > EHR launch > EHR-01 a launch without iss or without launch is refused, and causes no request',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > EHR launch > EHR-03 SEC-08 an iss that is not registered is refused before any request goes out',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > EHR launch > EHR-04 no cache keeps what a launch is answered with, and no referrer tells of it',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > callback > CB-09 a good callback sets the session and redirects to a clean URL, unstored and without referrer',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > callback > CB-04 parameters that are not known are ignored',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > callback > STATE-02 PKCE-06 a state that is altered or missing is refused, and the code is not sent',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > callback > STATE-02 PKCE-03 a callback in another browser is refused, and the code is not sent',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > callback > STATE-03 TOK-06 a callback that is opened again is refused, and its code is not sent again',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > callback > STATE-03 of two callbacks at once, one exchanges the code',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > callback > STATE-04 a login that took too long is refused, and says so',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > callback > STATE-05 what is kept with the state cannot be changed or swapped by the browser',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > callback > CB-02 SEC-05 an iss of another server, or a missing one, is refused, and the code is not sent',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > callback > CB-05 a parameter that stands twice is refused, and the code is not sent',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > authorization errors > CB-06 ERR-04 a refusal by the person is told by its name',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > authorization errors > CB-06 SEC-02 ERR-07 an error is shown escaped, its link only when it is http',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > authorization errors > CB-06 an error with a wrong state is not shown',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > authorization errors > ERR-01 TOK-06 a code that the server refuses logs nobody in, and is not tried again',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > authorization errors > NONCE-01 IDT-01 an id_token with another nonce logs nobody in',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > authorization errors > a callback that failed offers a person to log in again',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > two tabs > EHR-06 two logins at once in one browser both complete, each with its own patient',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > two tabs > with two launches open, a request that names one in query or header gets that patient',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > two tabs > with two launches open, a link or a script of a page belongs to the launch of that page',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > two tabs > EHR-06 with two launches open, a page reached by a plain link gets its launch into its own address',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > two tabs > with two launches open, a request that names none is refused and not guessed',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > two tabs > a launch id of nobody, or of another browser, opens nothing',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > session cookie > SEC-03 an app on https sets cookies for its host alone, unseen by scripts, and opaque',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > session cookie > EHR-07 an app in a frame of the EHR sets cookies that are SameSite=None, Secure and Partitioned',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > session cookie > SEC-03 each cookie is a header of its own, and the one of the login goes when it is done',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > session cookie > SEC-04 the session id changes at login, and the old one opens nothing',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > session cookie > SEC-04 a session id that was planted in the browser is not taken up by a login',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > session cookie > SEC-03 a cookie that was made up opens nothing',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > session cookie > a request with a live session asks nobody and sets no cookie',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > session cookie > a session ends after its lifetime',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > guard > a program without a login gets 401 as problem+json',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > guard > a browser that opens a page without a login is sent to log in, and comes back to that page',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > guard > a script that asks for HTML is refused with 401, since a redirect would lead it nowhere',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > guard > a route without a guard is open, and has no context without a login',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > guard > SCP-04 a scope within what was granted passes',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > guard > SCP-10 ERR-05 a scope that was not granted is 403, named, and nothing is renewed or retried',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > guard > RSP-12 a context that the login did not bring is 403',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > guard > SEC-02 a person is refused by a page: not stored, and without script',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > guard > RSP-10 the token goes to no other server, and the handler is told so',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > guard > login, launch and callback take GET, logout takes POST',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > refresh > RFR-01 RFR-04 a token is renewed before it expires, once however many requests come, and nobody waits for it',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > refresh > RFR-04 requests with an expired token wait for one refresh, and all go on with the new token',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > refresh > RFR-03 a rotated refresh token replaces the old one, and none is used twice',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > refresh > RFR-06 patient, user and launch stay what they were',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > refresh > RFR-07 a refresh token that the server refuses ends the session',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > refresh > RFR-07 while the authorization server is down, a token that still lives serves on',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > refresh > RFR-07 while the authorization server is down, an expired token is 503 with Retry-After, and the session stays',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > refresh > ERR-05 a token that the FHIR server refuses is renewed once, and the request sent again',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > refresh > ERR-05 a 403 of the FHIR server is handed on, and nothing is renewed',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > refresh > without a refresh token the session ends with its token',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > logout > REV-01 logout ends the session here, revokes at the server and goes to its page',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > logout > logout from another origin is refused, and the session stays',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > logout > logout from a page of the app that hides its origin passes, since the browser vouches for it',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > logout > REV-03 a server that cannot be reached does not keep a person logged in',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > logout > logout without a session is no error',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > logout > logout ends one browser, and no other',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > backend > JWKS-02 JWKS-03 JWKS-04 JWKS-05 the public keys are served to anyone as plain JSON that may be cached',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > backend > JWKS-02 the JWKS takes no other method than GET',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > backend > BSV-01 JWT-05 JWT-06 a handler has the token of the app itself, got with an assertion that the JWKS verifies',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > backend > RSP-11 fhir.fetch of a job reads with its token',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > backend > BSV-08 however many requests wait for the token, it is asked for once',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > backend > BSV-09 a token that the FHIR server refuses is replaced once, and the request sent again',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > backend > ERR-01 BSV-12 a token that cannot be had stops guarded routes alone, and says why',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > backend > BSV-08 a token that still lives serves on while its server is down, even when a new one is due',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > backend > a backend token never replaces a person: who is not logged in gets no token of the system',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > backend > a backend token never replaces a person: who is logged in keeps their own context',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > backend > a backend token never replaces a person, also where backendServices() is mounted first',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > mounting > CB-09 an app below a path logs in there, and comes back to the page that was asked for',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > mounting > EHR-02 an app below a path is launched there by the EHR',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > mounting > an app below a path logs out there',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > mounting > JWKS-02 an app below a path serves its JWKS there, and gets its token',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > mounting > an app below a path answers nothing outside it',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > mounting > behind a proxy that strips a prefix, the browser is sent to where the proxy is',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > error path > a refused guard goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > error path > a refused callback goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > error path > a token that cannot be had goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > error path > what is no problem is answered as ever, where problems are forwarded',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > error path > problems are answered by the adapter, whatever error handler the app has',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > error path > the failure of a handler goes to the error handler of the app',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > error path > an error that nobody foresaw goes to the error handler of the app, from a guarded route alone',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > error path > an error that nobody foresaw goes to the error handler of the app, from the callback',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > error path > a session store that fails is 503 for guarded routes, without a word of its reason',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > isolation > SEC-07 requests of several people that are served at the same time each keep their own patient and token',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > isolation > SEC-07 a request without a login gets nothing of one that is served at the same time',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > isolation > SEC-07 logins of several people at the same time each end with their own patient',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > forwarded headers > AUTHZ-03 the redirect URI comes from the configuration, whatever host the request names',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > forwarded headers > CB-07 no redirect of the app leads to the host that a request names',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > forwarded headers > SEC-03 whether cookies are Secure is decided by the configuration, whatever scheme the request names',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > forwarded headers > the origin of a logout is compared with the configuration, whatever host the request names',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'Express 4 > skips 0 cases',
    file: '/work/main/packages/express/test/conformance.test.ts',
  },
  {
    name: 'an app in the frame of an EHR on another site > EHR-07 finishes its launch inside the frame, by partitioned cookies, in a browser as it comes',
    file: '/work/main/packages/express/test/browser/ehr-frame.test.ts',
  },
  {
    name: 'an app in the frame of an EHR on another site > EHR-07 finishes its launch inside the frame, by partitioned cookies, in a browser that allows third-party cookies',
    file: '/work/main/packages/express/test/browser/ehr-frame.test.ts',
  },
  {
    name: 'an app in the frame of an EHR on another site > EHR-07 finishes its launch inside the frame, by partitioned cookies, in a browser that blocks third-party cookies',
    file: '/work/main/packages/express/test/browser/ehr-frame.test.ts',
  },
  {
    name: 'an app in the frame of an EHR on another site > EHR-07 keeps two patients apart in the frames of two tabs',
    file: '/work/main/packages/express/test/browser/ehr-frame.test.ts',
  },
  {
    name: 'an app in the frame of an EHR on another site > EHR-07 EHR-04 where a frame has no cookies, finishes the same launch in a new tab, by one click',
    file: '/work/main/packages/express/test/browser/ehr-frame.test.ts',
  },
  {
    name: "an app in the frame of an EHR on another site > EHR-07 shows nothing under helmet's frame-ancestors 'self': the app must name the EHR",
    file: '/work/main/packages/express/test/browser/ehr-frame.test.ts',
  },
  {
    name: 'two patients in two tabs of one browser > EHR-06 each tab keeps its patient through 50 interleaved clicks that name no launch',
    file: '/work/main/packages/express/test/browser/two-tabs.test.ts',
  },
  {
    name: 'two patients in two tabs of one browser > EHR-06 a tab opened from a link keeps the patient of the page it was opened from',
    file: '/work/main/packages/express/test/browser/two-tabs.test.ts',
  },
  {
    name: 'two patients in two tabs of one browser > EHR-06 a typed address and a page without a referrer are refused and not guessed',
    file: '/work/main/packages/express/test/browser/two-tabs.test.ts',
  },
  {
    name: 'two patients in two tabs of one browser > EHR-06 two encounters of one patient are two launches',
    file: '/work/main/packages/express/test/browser/two-tabs.test.ts',
  },
  {
    name: 'two patients in two tabs of one browser > EHR-06 a launch that is opened again in the EHR takes the place of the old one',
    file: '/work/main/packages/express/test/browser/two-tabs.test.ts',
  },
  {
    name: 'two tenants of one app, registered as a list > under interleaved load nothing of one is ever sent to the other, with a store in memory',
    file: '/work/main/packages/core/test/launch/tenants.test.ts',
  },
  {
    name: 'two tenants of one app, registered as a list > backend services under interleaved load send nothing of one to the other',
    file: '/work/main/packages/core/test/launch/tenants.test.ts',
  },
  {
    name: 'two tenants of one app, registered by an async resolver > under interleaved load nothing of one is ever sent to the other, with a store shared',
    file: '/work/main/packages/core/test/launch/tenants.test.ts',
  },
  {
    name: 'two tenants of one app, registered by an async resolver > backend services under interleaved load send nothing of one to the other',
    file: '/work/main/packages/core/test/launch/tenants.test.ts',
  },
  {
    name: 'a refresh > RFR-01 sends the refresh token and nothing else, with the authentication of the code exchange',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'a refresh > RFR-01 of a public client names the client in its body',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'a refresh > RFR-02 cannot ask for more than was granted: it is refused before anything is sent',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'a refresh > RFR-03 stores the new refresh token in place of the old one, and uses it next',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'a refresh > RFR-03 RFR-08 keeps the old refresh token where none comes back, and assumes 300 seconds without expires_in',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'a refresh > RFR-05 needs a refresh token, not a scope that says so',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'a refresh > RFR-05 is not tried without one: the person logs in again',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'a refresh > RFR-06 keeps patient, identity and context that do not come again, and takes those that do',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'a refresh > RFR-06 ends the session when its id_token names another person: the new token is not used',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'a refresh > RFR-07 outlives keys that cannot be fetched: the rotated token is kept, and the identity of the login',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'many requests at once > RFR-04 make one refresh, with a store in memory',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'many requests at once > RFR-04 make one refresh, with a store shared',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'many requests at once > RFR-04 make one refresh in several processes as well',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'many requests at once > RFR-04 in several processes: when one fails, another one may try',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'many requests at once > RFR-03 for two launches of one session lose neither rotated token, with a store in memory',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'many requests at once > RFR-03 for two launches of one session lose neither rotated token, with a store shared',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'many requests at once > RFR-03 while the person logs in at another patient keep the rotated token, under the new session id',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'a refresh that fails > RFR-07 with invalid_grant ends the session: the person logs in again',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'a refresh that fails > RFR-07 with a 503 never ends the session: a later one succeeds',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'a refresh that fails > RFR-07 with a 500 with JSON never ends the session: a later one succeeds',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'a refresh that fails > RFR-07 with a reset connection never ends the session: a later one succeeds',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'a refresh that fails > RFR-07 with a timeout never ends the session: a later one succeeds',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'a refresh that fails > RFR-07 with a web page never ends the session: a later one succeeds',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'a refresh that fails > RFR-07 with a redirect never ends the session: a later one succeeds',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'a refresh that fails > RFR-07 with an endless body never ends the session: a later one succeeds',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'a refresh that fails > RFR-07 is no matter while the token lives: it keeps serving',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'a refresh that fails > RFR-07 is a 503 that says when to try again, and the server is left alone until then',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'renewal in the background > RFR-04 begins before the token expires: nobody waits, with a store in memory',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'renewal in the background > RFR-04 begins before the token expires: nobody waits, with a store shared',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: 'renewal in the background > RFR-07 does not bring a session back that the person has ended meanwhile',
    file: '/work/main/packages/core/test/launch/refresh.test.ts',
  },
  {
    name: '1. the code exchange > has the raw Basic header and exactly six parameters, audience being the FHIR base URL; no client_secret',
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: '1. the code exchange > sends an audience to the letter where the vendor registered another one',
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: '1. the code exchange > asks for authorization with state, PKCE S256 and aud beside what the page lists',
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: '1. the code exchange > refreshes with the same header and no audience',
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: '2. the callback > ignores scope, scopes and session_state',
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: '2. the callback > fails without state, with no token request',
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: '3. client credentials > has exactly four parameters, the header exactly alg, kid and typ, the payload exactly the superset',
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: '3. client credentials > signs each request anew: two tokens, two jti',
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: '3. client credentials > asks for as many minutes as configured, a whole number, and the token lives that long',
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: '4. one assertion for both kinds of server > a strict SMART server, the strict InteliChart one and a literal reading of the page accept the same claims',
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: '5. the token response > {"access_token": …} alone is usable in a login, and lives five minutes at most',
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: '5. the token response > {"access_token": …} alone is usable for a job, which trusts it no longer than it asked for',
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: '5. the token response > a missing jwksUrl is an error when the factory is called, for a job and for a login that signs',
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: '5. the token response > options that cannot be right are refused at once: {"jwksUrl":"http://jobs.example.com/jwks.json"}',
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: '5. the token response > options that cannot be right are refused at once: {"jwksUrl":"jobs.example.com/jwks.json"}',
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: '5. the token response > options that cannot be right are refused at once: {"issuer":"http://fhirauth.example.com"}',
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: '5. the token response > options that cannot be right are refused at once: {"accessTokensExpireInMinutes":0}',
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: '5. the token response > options that cannot be right are refused at once: {"accessTokensExpireInMinutes":2.5}',
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: '5. the token response > options that cannot be right are refused at once: {"accessTokensExpireInMinutes":null}',
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: '5. the token response > options that cannot be right are refused at once: {"jwksURL":"https://jobs.example.com/jwks.json"}',
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: "6. omitClaims > ['aud', 'exp', 'jti'] leaves exactly the five documented claims, which a literal server accepts",
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: 'discovery > works by the smart-configuration of the FHIR API alone',
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: 'discovery > works by the openid-configuration of the authorization host, for a login and for a job',
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: 'discovery > works by the CapabilityStatement where neither document is there',
    file: '/work/main/packages/core/test/intelichart-acceptance.test.ts',
  },
  {
    name: 'core and this adapter use no module of Node, or of anyone',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > standalone launch > AUTHZ-01 AUTHZ-02 AUTHZ-03 AUTHZ-04 login goes to the authorization endpoint with all that it needs',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > standalone launch > TOK-02 PKCE-02 PKCE-05 the code is exchanged once, with the verifier of its challenge and the client secret',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > standalone launch > RSP-06 IDT-06 the handler finds the patient and the person who logged in',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > standalone launch > RSP-11 fhir.fetch reads with the token in the Authorization header, and in no URL',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > standalone launch > CB-09 a person without a login gets to the page that was asked for, on a clean URL',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > standalone launch > CB-07 after login the browser goes to a path of this app, whatever returnTo says',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > guard > a program without a login gets 401 as problem+json',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > guard > a browser that opens a page without a login is sent to log in, and comes back to that page',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > guard > a script that asks for HTML is refused with 401, since a redirect would lead it nowhere',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > guard > a route without a guard is open, and has no context without a login',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > guard > SCP-04 a scope within what was granted passes',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > guard > SCP-10 ERR-05 a scope that was not granted is 403, named, and nothing is renewed or retried',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > guard > RSP-12 a context that the login did not bring is 403',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > guard > SEC-02 a person is refused by a page: not stored, and without script',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > guard > RSP-10 the token goes to no other server, and the handler is told so',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > guard > login, launch and callback take GET, logout takes POST',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > backend > JWKS-02 JWKS-03 JWKS-04 JWKS-05 the public keys are served to anyone as plain JSON that may be cached',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > backend > JWKS-02 the JWKS takes no other method than GET',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > backend > BSV-01 JWT-05 JWT-06 a handler has the token of the app itself, got with an assertion that the JWKS verifies',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > backend > RSP-11 fhir.fetch of a job reads with its token',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > backend > BSV-08 however many requests wait for the token, it is asked for once',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > backend > BSV-09 a token that the FHIR server refuses is replaced once, and the request sent again',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > backend > ERR-01 BSV-12 a token that cannot be had stops guarded routes alone, and says why',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > backend > a backend token never replaces a person: who is not logged in gets no token of the system',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > backend > a backend token never replaces a person: who is logged in keeps their own context',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > backend > a backend token never replaces a person, also where backendServices() is mounted first',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > mounting > CB-09 an app below a path logs in there, and comes back to the page that was asked for',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > mounting > EHR-02 an app below a path is launched there by the EHR',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > mounting > an app below a path logs out there',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > mounting > JWKS-02 an app below a path serves its JWKS there, and gets its token',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > mounting > an app below a path answers nothing outside it',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > mounting > behind a proxy that strips a prefix, the browser is sent to where the proxy is',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Bun > skips 1 cases',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > standalone launch > AUTHZ-01 AUTHZ-02 AUTHZ-03 AUTHZ-04 login goes to the authorization endpoint with all that it needs',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > standalone launch > TOK-02 PKCE-02 PKCE-05 the code is exchanged once, with the verifier of its challenge and the client secret',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > standalone launch > RSP-06 IDT-06 the handler finds the patient and the person who logged in',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > standalone launch > RSP-11 fhir.fetch reads with the token in the Authorization header, and in no URL',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > standalone launch > CB-09 a person without a login gets to the page that was asked for, on a clean URL',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > standalone launch > CB-07 after login the browser goes to a path of this app, whatever returnTo says',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > guard > a program without a login gets 401 as problem+json',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > guard > a browser that opens a page without a login is sent to log in, and comes back to that page',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > guard > a script that asks for HTML is refused with 401, since a redirect would lead it nowhere',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > guard > a route without a guard is open, and has no context without a login',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > guard > SCP-04 a scope within what was granted passes',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > guard > SCP-10 ERR-05 a scope that was not granted is 403, named, and nothing is renewed or retried',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > guard > RSP-12 a context that the login did not bring is 403',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > guard > SEC-02 a person is refused by a page: not stored, and without script',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > guard > RSP-10 the token goes to no other server, and the handler is told so',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > guard > login, launch and callback take GET, logout takes POST',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > backend > JWKS-02 JWKS-03 JWKS-04 JWKS-05 the public keys are served to anyone as plain JSON that may be cached',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > backend > JWKS-02 the JWKS takes no other method than GET',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > backend > BSV-01 JWT-05 JWT-06 a handler has the token of the app itself, got with an assertion that the JWKS verifies',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > backend > RSP-11 fhir.fetch of a job reads with its token',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > backend > BSV-08 however many requests wait for the token, it is asked for once',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > backend > BSV-09 a token that the FHIR server refuses is replaced once, and the request sent again',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > backend > ERR-01 BSV-12 a token that cannot be had stops guarded routes alone, and says why',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > backend > a backend token never replaces a person: who is not logged in gets no token of the system',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > backend > a backend token never replaces a person: who is logged in keeps their own context',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > backend > a backend token never replaces a person, also where backendServices() is mounted first',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > mounting > CB-09 an app below a path logs in there, and comes back to the page that was asked for',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > mounting > EHR-02 an app below a path is launched there by the EHR',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > mounting > an app below a path logs out there',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > mounting > JWKS-02 an app below a path serves its JWKS there, and gets its token',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > mounting > an app below a path answers nothing outside it',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > mounting > behind a proxy that strips a prefix, the browser is sent to where the proxy is',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on Deno > skips 1 cases',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > standalone launch > AUTHZ-01 AUTHZ-02 AUTHZ-03 AUTHZ-04 login goes to the authorization endpoint with all that it needs',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > standalone launch > TOK-02 PKCE-02 PKCE-05 the code is exchanged once, with the verifier of its challenge and the client secret',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > standalone launch > RSP-06 IDT-06 the handler finds the patient and the person who logged in',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > standalone launch > RSP-11 fhir.fetch reads with the token in the Authorization header, and in no URL',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > standalone launch > CB-09 a person without a login gets to the page that was asked for, on a clean URL',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > standalone launch > CB-07 after login the browser goes to a path of this app, whatever returnTo says',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > guard > a program without a login gets 401 as problem+json',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > guard > a browser that opens a page without a login is sent to log in, and comes back to that page',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > guard > a script that asks for HTML is refused with 401, since a redirect would lead it nowhere',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > guard > a route without a guard is open, and has no context without a login',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > guard > SCP-04 a scope within what was granted passes',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > guard > SCP-10 ERR-05 a scope that was not granted is 403, named, and nothing is renewed or retried',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > guard > RSP-12 a context that the login did not bring is 403',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > guard > SEC-02 a person is refused by a page: not stored, and without script',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > guard > RSP-10 the token goes to no other server, and the handler is told so',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > guard > login, launch and callback take GET, logout takes POST',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > backend > JWKS-02 JWKS-03 JWKS-04 JWKS-05 the public keys are served to anyone as plain JSON that may be cached',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > backend > JWKS-02 the JWKS takes no other method than GET',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > backend > BSV-01 JWT-05 JWT-06 a handler has the token of the app itself, got with an assertion that the JWKS verifies',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > backend > RSP-11 fhir.fetch of a job reads with its token',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > backend > BSV-08 however many requests wait for the token, it is asked for once',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > backend > BSV-09 a token that the FHIR server refuses is replaced once, and the request sent again',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > backend > ERR-01 BSV-12 a token that cannot be had stops guarded routes alone, and says why',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > backend > a backend token never replaces a person: who is not logged in gets no token of the system',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > backend > a backend token never replaces a person: who is logged in keeps their own context',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > backend > a backend token never replaces a person, also where backendServices() is mounted first',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > mounting > CB-09 an app below a path logs in there, and comes back to the page that was asked for',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > mounting > EHR-02 an app below a path is launched there by the EHR',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > mounting > an app below a path logs out there',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > mounting > JWKS-02 an app below a path serves its JWKS there, and gets its token',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > mounting > an app below a path answers nothing outside it',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > mounting > behind a proxy that strips a prefix, the browser is sent to where the proxy is',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'Hono 4 on workerd > skips 1 cases',
    file: '/work/main/packages/hono/test/runtimes/runtimes.test.ts',
  },
  {
    name: 'a standalone login > AUTHZ-01 AUTHZ-02 AUTHZ-03 STATE-01 reaches the patient who was picked',
    file: '/work/main/packages/core/test/launch/login.test.ts',
  },
  {
    name: 'a standalone login > PKCE-04 PKCE-05 sends the verifier of its challenge, beside the client secret',
    file: '/work/main/packages/core/test/launch/login.test.ts',
  },
  {
    name: 'a standalone login > PKCE-04 sends no verifier where the dialect sends no challenge',
    file: '/work/main/packages/core/test/launch/login.test.ts',
  },
  {
    name: 'a standalone login > EHR-06 STATE-02 in two tabs at once: each comes back to its own patient',
    file: '/work/main/packages/core/test/launch/login.test.ts',
  },
  {
    name: 'a standalone login > EHR-06 begun in two tabs and ended one after the other: both stay, each by its name',
    file: '/work/main/packages/core/test/launch/login.test.ts',
  },
  {
    name: 'a standalone login > SEC-04 keeps the launches that were open before, under the new session id, with a store in memory',
    file: '/work/main/packages/core/test/launch/login.test.ts',
  },
  {
    name: 'a standalone login > SEC-04 keeps the launches that were open before, under the new session id, with a store shared',
    file: '/work/main/packages/core/test/launch/login.test.ts',
  },
  {
    name: 'a standalone login > STATE-04 may take ten minutes, and is expired after that',
    file: '/work/main/packages/core/test/launch/login.test.ts',
  },
  {
    name: 'a standalone login > says so where the scope is too long for the cookie that a browser would drop without a word',
    file: '/work/main/packages/core/test/launch/login.test.ts',
  },
  {
    name: 'a standalone login > keeps few logins of one browser under way: the oldest go',
    file: '/work/main/packages/core/test/launch/login.test.ts',
  },
  {
    name: 'a standalone login > CB-07 comes back to the app, not to //evil.example',
    file: '/work/main/packages/core/test/launch/login.test.ts',
  },
  {
    name: 'a standalone login > CB-07 comes back to the app, not to https://evil.example',
    file: '/work/main/packages/core/test/launch/login.test.ts',
  },
  {
    name: 'a standalone login > CB-07 comes back to the app, not to /..//evil.example',
    file: '/work/main/packages/core/test/launch/login.test.ts',
  },
  {
    name: 'a standalone login > CB-07 comes back to the page that asked for it',
    file: '/work/main/packages/core/test/launch/login.test.ts',
  },
  {
    name: 'a standalone login > EHR-06 comes back by the name of the new launch where the page had the name of one that has ended',
    file: '/work/main/packages/core/test/launch/login.test.ts',
  },
  {
    name: 'a standalone login > AUTHZ-06 goes by form where the dialect says so, and completes',
    file: '/work/main/packages/core/test/launch/login.test.ts',
  },
  {
    name: 'a standalone login > SEC-01 does not go to an authorization server without TLS',
    file: '/work/main/packages/core/test/launch/login.test.ts',
  },
  {
    name: 'a standalone login > takes GET alone',
    file: '/work/main/packages/core/test/launch/login.test.ts',
  },
  {
    name: 'an app at two servers > EHR-08 SEC-05 uses the registration of the server that was chosen',
    file: '/work/main/packages/core/test/launch/login.test.ts',
  },
  {
    name: 'an app at two servers > SEC-05 CB-02 refuses at one login the answer of the other server, and sends its code nowhere',
    file: '/work/main/packages/core/test/launch/login.test.ts',
  },
  {
    name: 'an app at two servers > asks a person which one, by escaped links',
    file: '/work/main/packages/core/test/launch/login.test.ts',
  },
  {
    name: 'an app at two servers > SEC-07 keeps concurrent requests of different people apart',
    file: '/work/main/packages/core/test/launch/login.test.ts',
  },
  {
    name: 'what an authorization server sends besides > SEC-08 is never fetched: style, person, error page',
    file: '/work/main/packages/core/test/launch/login.test.ts',
  },
  {
    name: 'an EHR launch > EHR-01 EHR-02 opens the app for the patient of the EHR, and names the launch in the address',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > EHR-01 with no parameter is refused, and nothing is sent',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > EHR-01 with no iss is refused, and nothing is sent',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > EHR-01 with no launch is refused, and nothing is sent',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > EHR-01 with an empty iss is refused, and nothing is sent',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > EHR-01 with an empty launch is refused, and nothing is sent',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > EHR-01 with two of iss is refused, and nothing is sent',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > EHR-01 with two of launch is refused, and nothing is sent',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > EHR-02 echoes the launch handle as it came: a b',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > EHR-02 echoes the launch handle as it came: a+b/c=',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > EHR-02 echoes the launch handle as it came: %2B%20',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > EHR-02 echoes the launch handle as it came: é✓',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > EHR-02 echoes the launch handle as it came: a&b=c#d?e',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > EHR-02 echoes the launch handle as it came: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > EHR-02 AUTHZ-02 sends as aud the iss that came, whichever slash the registration ends with',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > EHR-03 SEC-08 from a server that is not registered is 403, and nothing is sent to it',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: "an EHR launch > EHR-03 EHR-08 asks the resolver for the registration of iss, and refuses another server's",
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > EHR-04 keeps its handle to itself: no answer, cookie or later request shows it',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > EHR-06 while another one is pending: each comes to its own patient',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > EHR-06 repeated for the same patient takes the place of the one before',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: "an EHR launch > EHR-07 in the EHR's frame has cookies that a browser sends there",
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > SEC-02 never shows iss or launch as markup: <script>alert(1)</script>',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > SEC-02 never shows iss or launch as markup: "><img src=x onerror=alert(1)>',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: "an EHR launch > SEC-02 never shows iss or launch as markup: '><svg onload=alert(1)>",
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > SEC-02 never shows iss or launch as markup: </title><script>alert(1)</script>',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > SEC-02 never shows iss or launch as markup: " autofocus onfocus="alert(1)',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > SEC-02 never shows iss or launch as markup: --><iframe srcdoc="x">',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'an EHR launch > SEC-02 never shows iss or launch as markup: &lt;script&gt;alert(1)&lt;/script&gt;',
    file: '/work/main/packages/core/test/launch/ehr-launch.test.ts',
  },
  {
    name: 'logout > REV-01 posts the refresh token with its type and client authentication; the access token dies with it',
    file: '/work/main/packages/core/test/oauth/revocation.test.ts',
  },
  {
    name: 'logout > REV-01 without a refresh token the access token is revoked',
    file: '/work/main/packages/core/test/oauth/revocation.test.ts',
  },
  {
    name: 'logout > REV-03 a person is logged out even where the server cuts the connection',
    file: '/work/main/packages/core/test/oauth/revocation.test.ts',
  },
  {
    name: 'logout > REV-03 a person is logged out even where the server answers 503',
    file: '/work/main/packages/core/test/oauth/revocation.test.ts',
  },
  {
    name: 'logout > REV-03 a person is logged out even where the server never answers',
    file: '/work/main/packages/core/test/oauth/revocation.test.ts',
  },
  {
    name: 'logout > REV-03 a person is logged out even where the server redirects',
    file: '/work/main/packages/core/test/oauth/revocation.test.ts',
  },
  {
    name: 'logout > REV-03 the session has ended here before the server is told',
    file: '/work/main/packages/core/test/oauth/revocation.test.ts',
  },
  {
    name: 'logout > REV-03 a server without revocation endpoint is asked for nothing',
    file: '/work/main/packages/core/test/oauth/revocation.test.ts',
  },
  {
    name: 'revokeToken > REV-01 the token is in the body alone',
    file: '/work/main/packages/core/test/oauth/revocation.test.ts',
  },
  {
    name: 'revokeToken > REV-02 a token that the server does not know is a success: RFC 7009 answers 200',
    file: '/work/main/packages/core/test/oauth/revocation.test.ts',
  },
  {
    name: 'revokeToken > REV-02 a 503 is an error that says when to try again, and is not tried again by itself',
    file: '/work/main/packages/core/test/oauth/revocation.test.ts',
  },
  {
    name: 'revokeToken > REV-02 a server that cannot revoke access tokens is no failure; one that does not revoke a refresh token is',
    file: '/work/main/packages/core/test/oauth/revocation.test.ts',
  },
  {
    name: 'onEvent, with a store in memory, > is told of a login: of which patient, at which server, from the EHR or not',
    file: '/work/main/packages/core/test/launch/events.test.ts',
  },
  {
    name: 'onEvent, with a store in memory, > is told of a login that failed, with its code',
    file: '/work/main/packages/core/test/launch/events.test.ts',
  },
  {
    name: 'onEvent, with a store in memory, > is told of refreshes and of those that failed, once each',
    file: '/work/main/packages/core/test/launch/events.test.ts',
  },
  {
    name: 'onEvent, with a store in memory, > is told that a launch ended, and why: the server said so',
    file: '/work/main/packages/core/test/launch/events.test.ts',
  },
  {
    name: 'onEvent, with a store in memory, > is told that a launch ended, and why: the person logged out',
    file: '/work/main/packages/core/test/launch/events.test.ts',
  },
  {
    name: 'onEvent, with a store in memory, > is told that a launch ended, and why: the id_token names somebody else',
    file: '/work/main/packages/core/test/launch/events.test.ts',
  },
  {
    name: 'onEvent, with a store in memory, > never sees a secret: token, code, verifier, handle, cookie or client secret',
    file: '/work/main/packages/core/test/launch/events.test.ts',
  },
  {
    name: 'onEvent, with a store shared, > is told of a login: of which patient, at which server, from the EHR or not',
    file: '/work/main/packages/core/test/launch/events.test.ts',
  },
  {
    name: 'onEvent, with a store shared, > is told of a login that failed, with its code',
    file: '/work/main/packages/core/test/launch/events.test.ts',
  },
  {
    name: 'onEvent, with a store shared, > is told of refreshes and of those that failed, once each',
    file: '/work/main/packages/core/test/launch/events.test.ts',
  },
  {
    name: 'onEvent, with a store shared, > is told that a launch ended, and why: the server said so',
    file: '/work/main/packages/core/test/launch/events.test.ts',
  },
  {
    name: 'onEvent, with a store shared, > is told that a launch ended, and why: the person logged out',
    file: '/work/main/packages/core/test/launch/events.test.ts',
  },
  {
    name: 'onEvent, with a store shared, > is told that a launch ended, and why: the id_token names somebody else',
    file: '/work/main/packages/core/test/launch/events.test.ts',
  },
  {
    name: 'onEvent, with a store shared, > never sees a secret: token, code, verifier, handle, cookie or client secret',
    file: '/work/main/packages/core/test/launch/events.test.ts',
  },
  {
    name: 'onEvent > is told of every failure of a shared store',
    file: '/work/main/packages/core/test/launch/events.test.ts',
  },
  {
    name: 'onEvent > breaks nothing by what it throws, at once or later',
    file: '/work/main/packages/core/test/launch/events.test.ts',
  },
  {
    name: 'onEvent > gets what it cannot change',
    file: '/work/main/packages/core/test/launch/events.test.ts',
  },
  {
    name: 'a session > SEC-03 SEC-04 is an opaque 256-bit cookie, out of reach of scripts',
    file: '/work/main/packages/core/test/launch/logout.test.ts',
  },
  {
    name: 'a session > SEC-04 gets a new id at login: one that was planted before, or used before, opens nothing',
    file: '/work/main/packages/core/test/launch/logout.test.ts',
  },
  {
    name: 'a session > ends after its lifetime, whatever its token',
    file: '/work/main/packages/core/test/launch/logout.test.ts',
  },
  {
    name: 'a session > SEC-04 RFR-09 is in a shared store under a hash and sealed: the store sees neither id, token nor patient',
    file: '/work/main/packages/core/test/launch/logout.test.ts',
  },
  {
    name: 'a logout > REV-01 ends the session here, removes its cookie and revokes the refresh token',
    file: '/work/main/packages/core/test/launch/logout.test.ts',
  },
  {
    name: 'a logout > revokes each launch of the session',
    file: '/work/main/packages/core/test/launch/logout.test.ts',
  },
  {
    name: 'a logout > REV-03 ends the session even if revocation fails: reset',
    file: '/work/main/packages/core/test/launch/logout.test.ts',
  },
  {
    name: 'a logout > REV-03 ends the session even if revocation fails: status',
    file: '/work/main/packages/core/test/launch/logout.test.ts',
  },
  {
    name: 'a logout > SEC-04 is not for another site',
    file: '/work/main/packages/core/test/launch/logout.test.ts',
  },
  {
    name: 'a logout > SEC-04 is not for another port of this host',
    file: '/work/main/packages/core/test/launch/logout.test.ts',
  },
  {
    name: 'a logout > SEC-04 is not for nowhere',
    file: '/work/main/packages/core/test/launch/logout.test.ts',
  },
  {
    name: 'a logout > SEC-04 is not for a request without an Origin',
    file: '/work/main/packages/core/test/launch/logout.test.ts',
  },
  {
    name: 'a logout > SEC-04 is not for another site, by Fetch Metadata',
    file: '/work/main/packages/core/test/launch/logout.test.ts',
  },
  {
    name: 'a logout > SEC-04 is not for a sibling host, by Fetch Metadata',
    file: '/work/main/packages/core/test/launch/logout.test.ts',
  },
  {
    name: 'a logout > is for a page of the app that sends no referrer, whose Origin browsers make null',
    file: '/work/main/packages/core/test/launch/logout.test.ts',
  },
  {
    name: 'a logout > is no GET: a link or image cannot log a person out',
    file: '/work/main/packages/core/test/launch/logout.test.ts',
  },
  {
    name: 'a logout > is harmless when nobody is logged in',
    file: '/work/main/packages/core/test/launch/logout.test.ts',
  },
  {
    name: 'afterLogin, with a store in memory, > gets the context of the login, which can fetch, before the person is sent on',
    file: '/work/main/packages/core/test/launch/hooks.test.ts',
  },
  {
    name: 'afterLogin, with a store in memory, > ends the login by an error of this library: a problem, no session, and the tokens are revoked',
    file: '/work/main/packages/core/test/launch/hooks.test.ts',
  },
  {
    name: 'afterLogin, with a store in memory, > ends the login by an error of the app, which gets it back as it was',
    file: '/work/main/packages/core/test/launch/hooks.test.ts',
  },
  {
    name: 'afterLogin, with a store in memory, > leaves alone what the browser had before, when it ends a login',
    file: '/work/main/packages/core/test/launch/hooks.test.ts',
  },
  {
    name: 'afterLogin, with a store shared, > gets the context of the login, which can fetch, before the person is sent on',
    file: '/work/main/packages/core/test/launch/hooks.test.ts',
  },
  {
    name: 'afterLogin, with a store shared, > ends the login by an error of this library: a problem, no session, and the tokens are revoked',
    file: '/work/main/packages/core/test/launch/hooks.test.ts',
  },
  {
    name: 'afterLogin, with a store shared, > ends the login by an error of the app, which gets it back as it was',
    file: '/work/main/packages/core/test/launch/hooks.test.ts',
  },
  {
    name: 'afterLogin, with a store shared, > leaves alone what the browser had before, when it ends a login',
    file: '/work/main/packages/core/test/launch/hooks.test.ts',
  },
  {
    name: 'a login that afterLogin has ended > leaves nothing in a shared store',
    file: '/work/main/packages/core/test/launch/hooks.test.ts',
  },
  {
    name: 'afterRefresh, with a store in memory, > gets the context of each new token once, and whoever waits for the token waits for it',
    file: '/work/main/packages/core/test/launch/hooks.test.ts',
  },
  {
    name: 'afterRefresh, with a store in memory, > is told of a renewal in the background as well',
    file: '/work/main/packages/core/test/launch/hooks.test.ts',
  },
  {
    name: 'afterRefresh, with a store in memory, > cannot lose a token by what it throws: the app gets its error once, and the token is kept',
    file: '/work/main/packages/core/test/launch/hooks.test.ts',
  },
  {
    name: 'afterRefresh, with a store in memory, > cannot end the session by an invalid_grant of its own',
    file: '/work/main/packages/core/test/launch/hooks.test.ts',
  },
  {
    name: 'afterRefresh, with a store in memory, > may fetch from a server that refuses the new token too: one more refresh, and no end of it',
    file: '/work/main/packages/core/test/launch/hooks.test.ts',
  },
  {
    name: 'afterRefresh, with a store shared, > gets the context of each new token once, and whoever waits for the token waits for it',
    file: '/work/main/packages/core/test/launch/hooks.test.ts',
  },
  {
    name: 'afterRefresh, with a store shared, > is told of a renewal in the background as well',
    file: '/work/main/packages/core/test/launch/hooks.test.ts',
  },
  {
    name: 'afterRefresh, with a store shared, > cannot lose a token by what it throws: the app gets its error once, and the token is kept',
    file: '/work/main/packages/core/test/launch/hooks.test.ts',
  },
  {
    name: 'afterRefresh, with a store shared, > cannot end the session by an invalid_grant of its own',
    file: '/work/main/packages/core/test/launch/hooks.test.ts',
  },
  {
    name: 'afterRefresh, with a store shared, > may fetch from a server that refuses the new token too: one more refresh, and no end of it',
    file: '/work/main/packages/core/test/launch/hooks.test.ts',
  },
  {
    name: 'two processes of one app > RFR-04 refresh once per period, whichever is asked, and both have the newest token',
    file: '/work/main/packages/core/test/launch/shared-store-races.test.ts',
  },
  {
    name: 'two processes of one app > do not undo each other: touches, refreshes and logins of one session at once lose nothing',
    file: '/work/main/packages/core/test/launch/shared-store-races.test.ts',
  },
  {
    name: 'two processes of one app > RFR-04 go on when the one that holds the lock dies: the other gets it after its term',
    file: '/work/main/packages/core/test/launch/shared-store-races.test.ts',
  },
  {
    name: 'two processes of one app > RFR-04 RFR-07 where both refresh, because the lock was lost while the server was slow: one result is kept',
    file: '/work/main/packages/core/test/launch/shared-store-races.test.ts',
  },
  {
    name: 'two processes of one app > RFR-07 an invalid_grant for a refresh token that the other one has replaced meanwhile ends nothing',
    file: '/work/main/packages/core/test/launch/shared-store-races.test.ts',
  },
  {
    name: 'two processes of one app > STATE-03 exchange one code, when a callback reaches both',
    file: '/work/main/packages/core/test/launch/shared-store-races.test.ts',
  },
  {
    name: 'the clinic > shows the patient whose chart is open in the EHR, and who opened it',
    file: '/work/main/apps/nest-clinic/test/clinic.test.ts',
  },
  {
    name: 'the clinic > leaves the banner to an EHR that shows one',
    file: '/work/main/apps/nest-clinic/test/clinic.test.ts',
  },
  {
    name: 'the clinic > opens from the EHR only',
    file: '/work/main/apps/nest-clinic/test/clinic.test.ts',
  },
  {
    name: 'the clinic > shows medications, and refuses laboratory results that the EHR did not grant',
    file: '/work/main/apps/nest-clinic/test/clinic.test.ts',
  },
  {
    name: 'the clinic > says in a page of its own why a chart stays closed',
    file: '/work/main/apps/nest-clinic/test/clinic.test.ts',
  },
  {
    name: 'the clinic > keeps two patients of one browser apart, whatever is opened when',
    file: '/work/main/apps/nest-clinic/test/clinic.test.ts',
  },
  {
    name: 'the clinic > has a cookie for a frame of the EHR over https, and none that leaves the site over http',
    file: '/work/main/apps/nest-clinic/test/clinic.test.ts',
  },
  {
    name: 'the clinic in Chromium > has two patients in two tabs by two launches of the EHR, and never shows the other',
    file: '/work/main/apps/nest-clinic/test/clinic.test.ts',
  },
  {
    name: 'while the store is down > a session is served from what was seen last, for up to 60 seconds; then it is a 503 that says when to come again',
    file: '/work/main/packages/core/test/launch/store-outage.test.ts',
  },
  {
    name: 'while the store is down > what this process has not seen is a 503',
    file: '/work/main/packages/core/test/launch/store-outage.test.ts',
  },
  {
    name: 'while the store is down > a logout says that it failed, and ends nothing',
    file: '/work/main/packages/core/test/launch/store-outage.test.ts',
  },
  {
    name: 'while the store is down > an expired token is not renewed, since its successor could not be kept: a 503, and no refresh',
    file: '/work/main/packages/core/test/launch/store-outage.test.ts',
  },
  {
    name: 'while the store is silent > a session is served from what was seen last, for up to 60 seconds; then it is a 503 that says when to come again',
    file: '/work/main/packages/core/test/launch/store-outage.test.ts',
  },
  {
    name: 'while the store is silent > what this process has not seen is a 503',
    file: '/work/main/packages/core/test/launch/store-outage.test.ts',
  },
  {
    name: 'while the store is silent > a logout says that it failed, and ends nothing',
    file: '/work/main/packages/core/test/launch/store-outage.test.ts',
  },
  {
    name: 'while the store is silent > an expired token is not renewed, since its successor could not be kept: a 503, and no refresh',
    file: '/work/main/packages/core/test/launch/store-outage.test.ts',
  },
  {
    name: 'while the store is late > a session is served from what was seen last, for up to 60 seconds; then it is a 503 that says when to come again',
    file: '/work/main/packages/core/test/launch/store-outage.test.ts',
  },
  {
    name: 'while the store is late > what this process has not seen is a 503',
    file: '/work/main/packages/core/test/launch/store-outage.test.ts',
  },
  {
    name: 'while the store is late > a logout says that it failed, and ends nothing',
    file: '/work/main/packages/core/test/launch/store-outage.test.ts',
  },
  {
    name: 'while the store is late > an expired token is not renewed, since its successor could not be kept: a 503, and no refresh',
    file: '/work/main/packages/core/test/launch/store-outage.test.ts',
  },
  {
    name: 'a logout in another process > is seen when the store is back',
    file: '/work/main/packages/core/test/launch/store-outage.test.ts',
  },
  {
    name: 'a rotated token that the store does not take > RFR-03 RFR-07 is offered again, where the store refuses: it is kept, by one refresh',
    file: '/work/main/packages/core/test/launch/store-outage.test.ts',
  },
  {
    name: 'a rotated token that the store does not take > RFR-03 RFR-07 is offered again, where the store does not answer: it is kept, by one refresh',
    file: '/work/main/packages/core/test/launch/store-outage.test.ts',
  },
  {
    name: 'a rotated token that the store does not take > RFR-03 RFR-07 is kept though its writing failed twice, by one refresh',
    file: '/work/main/packages/core/test/launch/store-outage.test.ts',
  },
  {
    name: 'a rotated token that the store does not take > RFR-03 is not written twice where the store took it and said so too late',
    file: '/work/main/packages/core/test/launch/store-outage.test.ts',
  },
  {
    name: 'a rotated token that the store does not take > is waited for by a runtime that ends a process when its answers are sent',
    file: '/work/main/packages/core/test/launch/store-outage.test.ts',
  },
  {
    name: 'logoutAtServer, with a store in memory, > REV-01 ends the session here first, then sends the person to the place where the server logs out',
    file: '/work/main/packages/core/test/launch/server-logout.test.ts',
  },
  {
    name: 'logoutAtServer, with a store in memory, > sends the newest id_token, where a refresh brought one',
    file: '/work/main/packages/core/test/launch/server-logout.test.ts',
  },
  {
    name: 'logoutAtServer, with a store in memory, > ends the session also when the server cannot be asked',
    file: '/work/main/packages/core/test/launch/server-logout.test.ts',
  },
  {
    name: 'logoutAtServer, with a store shared, > REV-01 ends the session here first, then sends the person to the place where the server logs out',
    file: '/work/main/packages/core/test/launch/server-logout.test.ts',
  },
  {
    name: 'logoutAtServer, with a store shared, > sends the newest id_token, where a refresh brought one',
    file: '/work/main/packages/core/test/launch/server-logout.test.ts',
  },
  {
    name: 'logoutAtServer, with a store shared, > ends the session also when the server cannot be asked',
    file: '/work/main/packages/core/test/launch/server-logout.test.ts',
  },
  {
    name: 'logoutAtServer > keeps the query that the place has',
    file: '/work/main/packages/core/test/launch/server-logout.test.ts',
  },
  {
    name: 'logoutAtServer > sends no hint where there was no id_token, but says who asks',
    file: '/work/main/packages/core/test/launch/server-logout.test.ts',
  },
  {
    name: 'logoutAtServer > lands in the app where the server has no such place, or nobody is logged in',
    file: '/work/main/packages/core/test/launch/server-logout.test.ts',
  },
  {
    name: 'logoutAtServer > is off unless it is asked for: then no id_token is kept',
    file: '/work/main/packages/core/test/launch/server-logout.test.ts',
  },
  {
    name: 'JWKS-08 a RS384 key in another process signs the InteliChart assertion, and the strict sandbox accepts it',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'JWKS-08 a ES384 key in another process signs the InteliChart assertion, and the strict sandbox accepts it',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'the assembled JWT > JWT-12 JWKS-08 an ES256 signature may come as DER or raw; it is sent raw',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'the assembled JWT > JWT-12 JWKS-08 an ES384 signature may come as DER or raw; it is sent raw',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'the assembled JWT > JWT-12 JWKS-08 an ES512 signature may come as DER or raw; it is sent raw',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'the assembled JWT > JWKS-08 has the header and claims it was given, and the algorithm of the key',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'the assembled JWT > JWKS-08 a CryptoKey that cannot be exported signs as well',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'the assembled JWT > JWKS-08 RSA and Ed25519 signatures are taken as they are',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'JWKS-08 JWKS-07 is published by its public members, under its kid, or by its thumbprint',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'JWKS-06 JWKS-08 takes its turn in a rotation, beside keys whose private part is here',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'an external key that cannot work > JWKS-08 is refused when it is loaded, with nothing signed: a symmetric publicJwk',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'an external key that cannot work > JWKS-08 is refused when it is loaded, with nothing signed: a private publicJwk',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'an external key that cannot work > JWKS-08 is refused when it is loaded, with nothing signed: no publicJwk',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'an external key that cannot work > JWKS-08 is refused when it is loaded, with nothing signed: a publicJwk of 1024 bits',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'an external key that cannot work > JWKS-08 is refused when it is loaded, with nothing signed: an alg of another type',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'an external key that cannot work > JWKS-08 is refused when it is loaded, with nothing signed: an alg of another curve',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'an external key that cannot work > JWKS-08 is refused when it is loaded, with nothing signed: an alg other than its publicJwk',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'an external key that cannot work > JWKS-08 is refused when it is loaded, with nothing signed: a coordinate missing',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'an external key that cannot work > JWKS-08 is refused when it is loaded, with nothing signed: a point that is not on its curve',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'an external key that cannot work > JWKS-08 is refused when it is loaded, with nothing signed: a sign that is no function',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'an external key that cannot work > JWKS-08 is refused when it is loaded, with nothing signed: an empty kid',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'an external key that cannot work > JWKS-08 is refused when it is loaded, with nothing signed: a signFrom that is no time',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'an external key that cannot work > JWKS-08 a signer that fails says which key, and keeps the cause',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'an external key that cannot work > JWKS-08 a signature of another key is not sent',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'an external key that cannot work > JWKS-08 a signature of another hash is not sent',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'an external key that cannot work > JWKS-08 a signature that is empty is not sent',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'an external key that cannot work > JWKS-08 a signature that is DER of something else is not sent',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'an external key that cannot work > JWKS-08 a signature that is text is not sent',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'an external key that cannot work > JWKS-08 a signature that is nothing is not sent',
    file: '/work/main/packages/core/test/client/external-key.test.ts',
  },
  {
    name: 'sessions in cookies, in a browser > RFR-03 EHR-06 renew a token that has run out without showing anything, each tab for its own patient',
    file: '/work/main/packages/express/test/browser/cookie-store.test.ts',
  },
  {
    name: 'a launch that has ended, with a store in memory, > EHR-06 RFR-07 by invalid_grant: its tab shows nobody, and the other tab goes on',
    file: '/work/main/packages/core/test/launch/ended-launch.test.ts',
  },
  {
    name: 'a launch that has ended, with a store in memory, > EHR-06 RFR-05 by its time, without a refresh token: its tab shows nobody',
    file: '/work/main/packages/core/test/launch/ended-launch.test.ts',
  },
  {
    name: 'a launch that has ended, with a store in memory, > EHR-06 is kept as a name when the browser logs in at another patient',
    file: '/work/main/packages/core/test/launch/ended-launch.test.ts',
  },
  {
    name: 'a launch that has ended, with a store in memory, > gives way to a new login at the same patient',
    file: '/work/main/packages/core/test/launch/ended-launch.test.ts',
  },
  {
    name: 'a launch that has ended, with a store in memory, > EHR-06 is never another one, also when it was so long ago that its name is forgotten',
    file: '/work/main/packages/core/test/launch/ended-launch.test.ts',
  },
  {
    name: 'a launch that has ended, with a store shared, > EHR-06 RFR-07 by invalid_grant: its tab shows nobody, and the other tab goes on',
    file: '/work/main/packages/core/test/launch/ended-launch.test.ts',
  },
  {
    name: 'a launch that has ended, with a store shared, > EHR-06 RFR-05 by its time, without a refresh token: its tab shows nobody',
    file: '/work/main/packages/core/test/launch/ended-launch.test.ts',
  },
  {
    name: 'a launch that has ended, with a store shared, > EHR-06 is kept as a name when the browser logs in at another patient',
    file: '/work/main/packages/core/test/launch/ended-launch.test.ts',
  },
  {
    name: 'a launch that has ended, with a store shared, > gives way to a new login at the same patient',
    file: '/work/main/packages/core/test/launch/ended-launch.test.ts',
  },
  {
    name: 'a launch that has ended, with a store shared, > EHR-06 is never another one, also when it was so long ago that its name is forgotten',
    file: '/work/main/packages/core/test/launch/ended-launch.test.ts',
  },
  {
    name: 'a session, with a store in memory, > ends after an hour without a request',
    file: '/work/main/packages/core/test/launch/session-life.test.ts',
  },
  {
    name: 'a session, with a store in memory, > lives on while it is used, up to eight hours and not longer',
    file: '/work/main/packages/core/test/launch/session-life.test.ts',
  },
  {
    name: 'a session, with a store in memory, > ends by the limits that the app sets: {"lifetimeSeconds":60}',
    file: '/work/main/packages/core/test/launch/session-life.test.ts',
  },
  {
    name: 'a session, with a store in memory, > ends by the limits that the app sets: {"idleSeconds":60}',
    file: '/work/main/packages/core/test/launch/session-life.test.ts',
  },
  {
    name: 'a session, with a store in memory, > ends by the limits that the app sets: {"idleSeconds":600,"lifetimeSeconds":60}',
    file: '/work/main/packages/core/test/launch/session-life.test.ts',
  },
  {
    name: 'a session, with a store in memory, > keeps its token, and the context of it, when it is touched',
    file: '/work/main/packages/core/test/launch/session-life.test.ts',
  },
  {
    name: 'a session, with a store shared, > ends after an hour without a request',
    file: '/work/main/packages/core/test/launch/session-life.test.ts',
  },
  {
    name: 'a session, with a store shared, > lives on while it is used, up to eight hours and not longer',
    file: '/work/main/packages/core/test/launch/session-life.test.ts',
  },
  {
    name: 'a session, with a store shared, > ends by the limits that the app sets: {"lifetimeSeconds":60}',
    file: '/work/main/packages/core/test/launch/session-life.test.ts',
  },
  {
    name: 'a session, with a store shared, > ends by the limits that the app sets: {"idleSeconds":60}',
    file: '/work/main/packages/core/test/launch/session-life.test.ts',
  },
  {
    name: 'a session, with a store shared, > ends by the limits that the app sets: {"idleSeconds":600,"lifetimeSeconds":60}',
    file: '/work/main/packages/core/test/launch/session-life.test.ts',
  },
  {
    name: 'a session, with a store shared, > keeps its token, and the context of it, when it is touched',
    file: '/work/main/packages/core/test/launch/session-life.test.ts',
  },
  {
    name: 'a session in a shared store > is written again when a tenth of its idle time has passed, not at every request',
    file: '/work/main/packages/core/test/launch/session-life.test.ts',
  },
  {
    name: 'a session in a shared store > is kept there for its idle time, and at its end for no longer than it may last',
    file: '/work/main/packages/core/test/launch/session-life.test.ts',
  },
  {
    name: 'what is sent > TOK-01 TOK-08 a POST of a form, everything in the body, nothing in the query',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'what is sent > TOK-01 a query that belongs to the endpoint stays there',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'what is sent > TOK-01 nothing goes to http://as.example.com/token, which is not https',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'what is sent > TOK-01 nothing goes to as.example.com/token, which is not https',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'what is sent > TOK-04 one way of authentication: a header or a body parameter, never both',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'what is sent > TOK-04 other endpoints take the same authentication',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a token endpoint that misbehaves > TOK-09 BSV-12 each fault of the sandbox is an error of its own kind, and never a hang',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a token endpoint that misbehaves > TOK-08 a redirect (301) is an error, and the second host gets nothing',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a token endpoint that misbehaves > TOK-08 a redirect (302) is an error, and the second host gets nothing',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a token endpoint that misbehaves > TOK-08 a redirect (303) is an error, and the second host gets nothing',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a token endpoint that misbehaves > TOK-08 a redirect (307) is an error, and the second host gets nothing',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a token endpoint that misbehaves > TOK-08 a redirect (308) is an error, and the second host gets nothing',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a token endpoint that misbehaves > TOK-09 an endless body is cut off, the connection closed',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a token endpoint that misbehaves > TOK-09 an answer that stops before the headers ends at the time limit',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a token endpoint that misbehaves > TOK-09 an answer that stops within the body ends at the time limit',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a token endpoint that misbehaves > TOK-09 a connection cut within the body is a network error',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a token endpoint that misbehaves > TOK-09 a server that is not there is a network error that says why',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a token endpoint that misbehaves > BSV-12 a web page with 502 is a refusal without an OAuth error',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a token endpoint that misbehaves > BSV-12 nothing with 401 is a refusal without an OAuth error',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a token endpoint that misbehaves > BSV-12 JSON without error is a refusal without an OAuth error',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a token endpoint that misbehaves > BSV-12 an error that is no text is a refusal without an OAuth error',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a token endpoint that misbehaves > BSV-12 an answer of 200 without a token is no token',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a token endpoint that misbehaves > BSV-12 an answer of 201 without a token is no token',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a refusal > BSV-12 is known by its error, whatever the status: 400',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a refusal > BSV-12 is known by its error, whatever the status: 401',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a refusal > BSV-12 is known by its error, whatever the status: 403',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a refusal > BSV-12 is known by its error, whatever the status: 500',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a refusal > BSV-12 members that are null count as absent',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a refusal > BSV-12 says what to do about unauthorized_client',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a refusal > BSV-12 says what to do about invalid_scope',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a refusal > BSV-12 says what to do about unsupported_grant_type',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a refusal > BSV-11 keeps Retry-After, in seconds or as a date',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a refusal > TOK-04 never repeats a secret, however the server quotes it',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'a refusal > BSV-12 an error_uri that is no web address is dropped',
    file: '/work/main/packages/core/test/oauth/token-request.test.ts',
  },
  {
    name: 'oracleHealth(): a person logs in > IDT-02 IDT-01 takes an id_token of an identity provider of the tenant, with the keys of smart-configuration',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): a person logs in > IDT-01 smart() refuses that id_token',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): a person logs in > IDT-02 an id_token of another tenant is refused, though signed with a key of the same set',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): a person logs in > IDT-02 the issuer https://auth.example/tenants/a belongs to the tenant: true',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): a person logs in > IDT-02 the issuer https://auth.example/tenants/a/oidc/idsps/a-1/ belongs to the tenant: true',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): a person logs in > IDT-02 the issuer https://auth.example/tenants/a/oidc/idsps/a-1 belongs to the tenant: false',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): a person logs in > IDT-02 the issuer https://auth.example/tenants/a/oidc/idsps/ belongs to the tenant: false',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): a person logs in > IDT-02 the issuer https://auth.example/tenants/a/oidc/idsps/a/../../b/ belongs to the tenant: false',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): a person logs in > IDT-02 the issuer https://auth.example/tenants/a/oidc/idsps/a?x=/ belongs to the tenant: false',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): a person logs in > IDT-02 the issuer https://auth.example/tenants/a/ belongs to the tenant: false',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): a person logs in > IDT-02 the issuer https://auth.example/tenants/ab/oidc/idsps/a-1/ belongs to the tenant: false',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): a person logs in > IDT-02 the issuer https://auth.example/tenants/b/oidc/idsps/b-1/ belongs to the tenant: false',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): a person logs in > PKCE-07 PKCE-04 AUTHZ-02 sends PKCE and aud, though the manual of 2024 knew no PKCE',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): a person logs in > RFR-03 keeps the refresh token when a refresh brings no new one',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): configuration > SCP-01 refuses the wildcard in patient/*.rs, which the server would not grant',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): configuration > SCP-01 refuses the wildcard in patient/*.read, which the server would not grant',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): configuration > SCP-01 refuses the wildcard in user/Observation.*, which the server would not grant',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): configuration > SCP-01 refuses the wildcard in http://smarthealthit.org/FHIR/scopes/patient/*.read, which the server would not grant',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): configuration > SCP-01 refuses the wildcard in openid system/Patient.read system/*.read, which the server would not grant',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): configuration > SCP-01 takes system/Patient.read',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): configuration > SCP-01 takes system/Patient.crus',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): configuration > SCP-01 takes system/Observation.rs?category=a|*.*',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): configuration > SCP-01 takes launch/patient openid',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): configuration > AUTH-B4 refuses the secret in the body, with the remedy',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'oracleHealth(): configuration > AUTH-B5 a system account gets its token with Basic',
    file: '/work/main/packages/core/test/dialects/oracle-health.test.ts',
  },
  {
    name: 'sessions in cookies > are there for a process that has never seen them, and that has the secret',
    file: '/work/main/packages/core/test/launch/cookie-store.test.ts',
  },
  {
    name: 'sessions in cookies > are one context per token, found without a promise once they were opened',
    file: '/work/main/packages/core/test/launch/cookie-store.test.ts',
  },
  {
    name: 'sessions in cookies > SEC-03 RFR-09 show no token, patient or person to whoever reads the cookies',
    file: '/work/main/packages/core/test/launch/cookie-store.test.ts',
  },
  {
    name: 'sessions in cookies > EHR-06 hold several launches, and a request gets the one it names',
    file: '/work/main/packages/core/test/launch/cookie-store.test.ts',
  },
  {
    name: 'sessions in cookies > end with a logout, which removes every part and revokes the tokens',
    file: '/work/main/packages/core/test/launch/cookie-store.test.ts',
  },
  {
    name: 'a token in cookies that has run out > is not renewed by a request that could not set cookies: there is no context, and nothing is asked',
    file: '/work/main/packages/core/test/launch/cookie-store.test.ts',
  },
  {
    name: 'a token in cookies that has run out > RFR-03 is renewed by the way through /login, which comes back without showing anything',
    file: '/work/main/packages/core/test/launch/cookie-store.test.ts',
  },
  {
    name: 'a token in cookies that has run out > is renewed once for two tabs that come at the same time',
    file: '/work/main/packages/core/test/launch/cookie-store.test.ts',
  },
  {
    name: 'a token in cookies that has run out > EHR-06 is renewed for the launch that the page belongs to, and the others stay',
    file: '/work/main/packages/core/test/launch/cookie-store.test.ts',
  },
  {
    name: 'a token in cookies that has run out > RFR-07 leads to a login where the server has ended it, and is not asked for again',
    file: '/work/main/packages/core/test/launch/cookie-store.test.ts',
  },
  {
    name: 'a token in cookies that has run out > RFR-07 stays in the cookie where the server fails, and is renewed the next time',
    file: '/work/main/packages/core/test/launch/cookie-store.test.ts',
  },
  {
    name: 'a token in cookies that has run out > is not renewed any more when nobody came for the idle time, or the login has lasted long enough',
    file: '/work/main/packages/core/test/launch/cookie-store.test.ts',
  },
  {
    name: 'the size of sessions in cookies > is cut into cookies that browsers keep, and parts that are not needed any more are removed',
    file: '/work/main/packages/core/test/launch/cookie-store.test.ts',
  },
  {
    name: 'the size of sessions in cookies > is refused with a problem that names it where the tokens do not fit, and the tokens are revoked',
    file: '/work/main/packages/core/test/launch/cookie-store.test.ts',
  },
  {
    name: 'the size of sessions in cookies > leaves out the oldest launch where not all fit',
    file: '/work/main/packages/core/test/launch/cookie-store.test.ts',
  },
  {
    name: 'cookies that were tampered with > RFR-09 open nothing, and break nothing: changed, cut, swapped, mixed',
    file: '/work/main/packages/core/test/launch/cookie-store.test.ts',
  },
  {
    name: 'the state of a callback > STATE-02 STATE-05 must not be missing: no token request is made',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the state of a callback > STATE-02 STATE-05 must not be altered: no token request is made',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the state of a callback > STATE-02 STATE-05 must not be extended: no token request is made',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the state of a callback > STATE-02 STATE-05 must not be extended by what a cookie name cannot have: no token request is made',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the state of a callback > STATE-02 PKCE-03 belongs to one browser: a third party cannot complete the login, with its own session either',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the state of a callback > STATE-05 is bound to its cookie: those of two logins cannot be swapped, nor one changed',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the state of a callback > PKCE-03 keeps verifier and nonce out of sight: the login cookie shows nothing of them',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the state of a callback > STATE-03 works once, also for callbacks at the same time, with a store in memory',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the state of a callback > STATE-03 works once, also for callbacks at the same time, with a store shared',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the state of a callback > STATE-03 cannot be replayed, by the browser or with its old cookie, with a store in memory',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the state of a callback > STATE-03 cannot be replayed, by the browser or with its old cookie, with a store shared',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'where a code goes > CB-01 SEC-05 is the token endpoint of the login, although discovery names another one meanwhile',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: "the issuer of a callback (RFC 9207) > CB-02 CB-03 must not be another server's, with a code or an error",
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the issuer of a callback (RFC 9207) > CB-02 CB-03 must not be the FHIR base URL, with a code or an error',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the issuer of a callback (RFC 9207) > CB-02 CB-03 must not be missing, though promised, with a code or an error',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the issuer of a callback (RFC 9207) > CB-03 is compared with the configured issuer where the server publishes another one',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the parameters of a callback > CB-04 may be more than are known',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the parameters of a callback > CB-05 must not have code twice: no token request is made',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the parameters of a callback > CB-05 must not have state twice: no token request is made',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the parameters of a callback > CB-05 must not have iss twice: no token request is made',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the parameters of a callback > CB-06 show the error of the server, and end the login',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the parameters of a callback > CB-06 a person may refuse: nothing is asked for, and the page says so',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the parameters of a callback > CB-06 SEC-02 never get into the page as markup, with a right state or a wrong one',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the parameters of a callback > CB-09 SEC-03 are gone from the address afterwards; what is answered is not stored and sends no referrer',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the nonce of a login > NONCE-01 is right',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the nonce of a login > NONCE-01 is of another login',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the nonce of a login > NONCE-01 is absent',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'the nonce of a login > NONCE-01 is absent, though the dialect insists',
    file: '/work/main/packages/core/test/launch/callback.test.ts',
  },
  {
    name: 'meditech() > DISC-12 asks for the discovery document at the root of the host, once',
    file: '/work/main/packages/core/test/dialects/meditech.test.ts',
  },
  {
    name: 'meditech() > DISC-01 smart() would ask below the FHIR base URL and find nothing',
    file: '/work/main/packages/core/test/dialects/meditech.test.ts',
  },
  {
    name: 'meditech() > DISC-12 asks at the discoveryUrl that a customer names',
    file: '/work/main/packages/core/test/dialects/meditech.test.ts',
  },
  {
    name: 'meditech() > DISC-14 refuses a discoveryUrl that is not https',
    file: '/work/main/packages/core/test/dialects/meditech.test.ts',
  },
  {
    name: 'meditech() > JWT-03 signs with the first RSA key, since the server takes no other',
    file: '/work/main/packages/core/test/dialects/meditech.test.ts',
  },
  {
    name: 'meditech() > JWT-15 says so when there is no RSA key, and sends nothing',
    file: '/work/main/packages/core/test/dialects/meditech.test.ts',
  },
  {
    name: 'meditech() > JWT-03 what the server publishes wins over what the dialect knows',
    file: '/work/main/packages/core/test/dialects/meditech.test.ts',
  },
  {
    name: 'meditech() > ERR-02 400 unauthorized_client has a hint of its own',
    file: '/work/main/packages/core/test/dialects/meditech.test.ts',
  },
  {
    name: 'meditech() > ERR-02 401 invalid_client has a hint of its own',
    file: '/work/main/packages/core/test/dialects/meditech.test.ts',
  },
  {
    name: 'claims > IDT-01 IDT-09 an id_token in order gives its claims, frozen; issuer and subject together name the person',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 refuses an id_token with another issuer',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 refuses an id_token with the issuer with a slash more',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 refuses an id_token with no issuer',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 refuses an id_token with no subject',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 refuses an id_token with another audience',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 refuses an id_token with no audience',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 refuses an id_token with several audiences without this client',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 refuses an id_token with several audiences without azp',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 refuses an id_token with several audiences and another azp',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 refuses an id_token with one audience and another azp',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 refuses an id_token with expired',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 refuses an id_token with no expiry',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 refuses an id_token with an expiry that is no number',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 refuses an id_token with issued in the future',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 refuses an id_token with not valid yet',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 refuses an id_token with the nonce of another login',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 refuses an id_token with a nonce that is no text',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 refuses an id_token with an empty nonce',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 refuses an id_token with a subject that is no text',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 accepts an id_token with an audience list with this client alone',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 accepts an id_token with several audiences, this client being the azp',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 accepts an id_token with a clock that is half a minute behind',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 accepts an id_token with an expiry half a minute ago',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 accepts an id_token with no nonce, which SMART does not know',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 with requireNonce a missing nonce is refused too',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'claims > IDT-01 after a refresh the id_token must be of the same person',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'signature and algorithm > IDT-01 refuses a key that the issuer does not publish, a changed payload and a stripped signature',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'signature and algorithm > IDT-03 refuses alg none, with a signature part or without',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'signature and algorithm > IDT-03 refuses HS256 with the public key, or the client secret, as its secret',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'signature and algorithm > IDT-03 takes RS256, and RS384 as in the example of SMART, but only what the server lists if it lists any',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'signature and algorithm > IDT-01 refuses what is no signed JWT: ""',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'signature and algorithm > IDT-01 refuses what is no signed JWT: "opaque"',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'signature and algorithm > IDT-01 refuses what is no signed JWT: "a.b.c"',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'signature and algorithm > IDT-01 refuses what is no signed JWT: "a.b.c.d.e"',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'signature and algorithm > IDT-01 refuses what is no signed JWT: "eyJhbGciOiJSUzI1NiJ9.bm90IGpzb24.c2ln"',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'signature and algorithm > IDT-01 refuses what is no signed JWT: ".."',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'where the keys come from > IDT-02 a token that names an attacker as issuer, jku and x5u causes no request there',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'where the keys come from > IDT-02 without a known issuer, nothing is verified against the one that the token names',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'where the keys come from > IDT-02 the dialect can name another issuer than discovery does',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'where the keys come from > IDT-02 a dialect’s own check of the issuer is given the discovered one, and what it refuses is refused',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'how strict to be > IDT-10 by default a token straight from the token endpoint is verified too',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'how strict to be > IDT-10 IDT-11 mode decode leaves out the signature and nothing else',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'how strict to be > IDT-11 mode ignore drops the id_token unread, a compressed JWE included',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'how strict to be > IDT-11 the dialect can name another audience than the client id',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'in a login > IDT-01 IDT-06 IDT-09 a person is logged in with the identity that the server signed',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'in a login > IDT-01 a login with a bad id_token ends in a problem, and nobody is logged in',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'in a login > IDT-11 without openid there is no id_token, and that is fine',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'fhirUser > IDT-06 a relative Patient is resolved against the FHIR base URL, with or without its slash',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'fhirUser > IDT-06 a relative Practitioner is resolved against the FHIR base URL, with or without its slash',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'fhirUser > IDT-06 a relative PractitionerRole is resolved against the FHIR base URL, with or without its slash',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'fhirUser > IDT-06 a relative RelatedPerson is resolved against the FHIR base URL, with or without its slash',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'fhirUser > IDT-06 a relative Person is resolved against the FHIR base URL, with or without its slash',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'fhirUser > IDT-08 an absolute fhirUser on another origin is returned as it is',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'fhirUser > IDT-06 what is no person of FHIR is no fhirUser: "Device/1"',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'fhirUser > IDT-06 what is no person of FHIR is no fhirUser: "Patient"',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'fhirUser > IDT-06 what is no person of FHIR is no fhirUser: "Patient/"',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'fhirUser > IDT-06 what is no person of FHIR is no fhirUser: "/"',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'fhirUser > IDT-06 what is no person of FHIR is no fhirUser: ""',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'fhirUser > IDT-06 what is no person of FHIR is no fhirUser: "javascript:Patient/1"',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'fhirUser > IDT-06 what is no person of FHIR is no fhirUser: "ftp://x/Patient/1"',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'fhirUser > IDT-06 what is no person of FHIR is no fhirUser: "http://["',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'fhirUser > IDT-06 what is no person of FHIR is no fhirUser: 5',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'fhirUser > IDT-06 what is no person of FHIR is no fhirUser: {}',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'fhirUser > IDT-06 what is no person of FHIR is no fhirUser: undefined',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'fhirUser > IDT-07 profile serves only where fhirUser is absent',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'fhirUser > IDT-06 SEC-09 any JSON at all gives a person of a known type with an http URL, or nothing',
    file: '/work/main/packages/core/test/oauth/id-token.test.ts',
  },
  {
    name: 'the request > INT-01 INT-02 posts the token as a form, asks for JSON, and authenticates as the client',
    file: '/work/main/packages/core/test/oauth/introspection.test.ts',
  },
  {
    name: 'the request > INT-02 authenticates with a signed assertion too',
    file: '/work/main/packages/core/test/oauth/introspection.test.ts',
  },
  {
    name: 'the request > INT-02 authenticates by an access token of its own, and by nothing beside it',
    file: '/work/main/packages/core/test/oauth/introspection.test.ts',
  },
  {
    name: 'the request > INT-01 INT-02 says what is missing before anything is sent',
    file: '/work/main/packages/core/test/oauth/introspection.test.ts',
  },
  {
    name: 'the request > INT-01 a server without introspection is a typed error that names the option to set',
    file: '/work/main/packages/core/test/oauth/introspection.test.ts',
  },
  {
    name: 'the answer > INT-03 an active token has its scope, client, expiry, person and launch context',
    file: '/work/main/packages/core/test/oauth/introspection.test.ts',
  },
  {
    name: 'the answer > INT-03 an inactive answer says nothing else, whatever it holds',
    file: '/work/main/packages/core/test/oauth/introspection.test.ts',
  },
  {
    name: 'the answer > INT-03 scopes are read as the dialect spells them',
    file: '/work/main/packages/core/test/oauth/introspection.test.ts',
  },
  {
    name: 'the answer > INT-04 an error is not "inactive": 401',
    file: '/work/main/packages/core/test/oauth/introspection.test.ts',
  },
  {
    name: 'the answer > INT-04 an error is not "inactive": 403',
    file: '/work/main/packages/core/test/oauth/introspection.test.ts',
  },
  {
    name: 'the answer > INT-04 an error is not "inactive": 500',
    file: '/work/main/packages/core/test/oauth/introspection.test.ts',
  },
  {
    name: 'the answer > INT-04 an error is not "inactive": a redirect',
    file: '/work/main/packages/core/test/oauth/introspection.test.ts',
  },
  {
    name: 'the answer > INT-04 an error is not "inactive": a web page',
    file: '/work/main/packages/core/test/oauth/introspection.test.ts',
  },
  {
    name: 'the answer > INT-04 an error is not "inactive": no "active"',
    file: '/work/main/packages/core/test/oauth/introspection.test.ts',
  },
  {
    name: 'the answer > INT-04 an error is not "inactive": an "active" that is a text',
    file: '/work/main/packages/core/test/oauth/introspection.test.ts',
  },
  {
    name: 'the answer > INT-04 an active answer is not kept: the next question is asked again',
    file: '/work/main/packages/core/test/oauth/introspection.test.ts',
  },
  {
    name: 'the answer > ERR-06 an error shows neither the token asked about nor the one that authenticated',
    file: '/work/main/packages/core/test/oauth/introspection.test.ts',
  },
  {
    name: 'epic(): a person logs in > AUTH-B2 AUTH-B1 id and secret stand raw in the Basic header, whatever characters they have',
    file: '/work/main/packages/core/test/dialects/epic.test.ts',
  },
  {
    name: 'epic(): a person logs in > AUTHZ-01 TOK-05 asks for exactly what smart() asks for',
    file: '/work/main/packages/core/test/dialects/epic.test.ts',
  },
  {
    name: 'epic(): a person logs in > RFR-05 uses a refresh token that came although the granted scope lacks offline_access',
    file: '/work/main/packages/core/test/dialects/epic.test.ts',
  },
  {
    name: 'epic(): a system gets a token > JWT-02 JWT-03 JWT-07 JWT-09 signs with RS384, as the server publishes no algorithms',
    file: '/work/main/packages/core/test/dialects/epic.test.ts',
  },
  {
    name: 'epic(): a system gets a token > JWT-02 JWT-03 JWT-07 JWT-09 signs with ES384, as the server publishes no algorithms',
    file: '/work/main/packages/core/test/dialects/epic.test.ts',
  },
  {
    name: 'epic(): a system gets a token > JWT-02 JWT-03 JWT-07 JWT-09 signs with ES256, as the server publishes no algorithms',
    file: '/work/main/packages/core/test/dialects/epic.test.ts',
  },
  {
    name: 'epic(): a system gets a token > ERR-01 an error_description of null is no text',
    file: '/work/main/packages/core/test/dialects/epic.test.ts',
  },
  {
    name: 'epic(): a system gets a token > AUTH-B5 refuses client_secret_basic at once, since only a signed assertion serves',
    file: '/work/main/packages/core/test/dialects/epic.test.ts',
  },
  {
    name: 'epic(): a system gets a token > AUTH-B5 refuses client_secret_post at once, since only a signed assertion serves',
    file: '/work/main/packages/core/test/dialects/epic.test.ts',
  },
  {
    name: 'epic(): a system gets a token > AUTH-J1 takes a clientAuth that signs',
    file: '/work/main/packages/core/test/dialects/epic.test.ts',
  },
  {
    name: 'scope in the authorization request > SCP-08 scopes are joined by one space, without duplicates, in their order',
    file: '/work/main/packages/core/test/oauth/scopes-on-the-wire.test.ts',
  },
  {
    name: 'scope in the authorization request > SCP-08 a scope with a query is encoded once, and is granted as it was written',
    file: '/work/main/packages/core/test/oauth/scopes-on-the-wire.test.ts',
  },
  {
    name: 'scope in the authorization request > AUTHZ-08 no parameter is repeated and none is empty',
    file: '/work/main/packages/core/test/oauth/scopes-on-the-wire.test.ts',
  },
  {
    name: 'scope in the authorization request > SCP-09 a v2 scope goes unchanged to a server that says it speaks v1 alone: nothing is widened in silence',
    file: '/work/main/packages/core/test/oauth/scopes-on-the-wire.test.ts',
  },
  {
    name: 'scope in the authorization request > SCP-09 a v1 scope goes unchanged to a server that says it speaks v2 alone',
    file: '/work/main/packages/core/test/oauth/scopes-on-the-wire.test.ts',
  },
  {
    name: 'scope in the authorization request > SCP-12 the dialect’s spelling is sent',
    file: '/work/main/packages/core/test/oauth/scopes-on-the-wire.test.ts',
  },
  {
    name: 'scope in a token request > SCP-08 the same rules hold in a form body',
    file: '/work/main/packages/core/test/oauth/scopes-on-the-wire.test.ts',
  },
  {
    name: 'scope in a token request > SCP-12 the dialect’s spelling is sent, and what is granted is read back from it',
    file: '/work/main/packages/core/test/oauth/scopes-on-the-wire.test.ts',
  },
  {
    name: 'scope in a token request > SCP-12 where the server does not say what it granted, it is what was asked for, in SMART’s spelling',
    file: '/work/main/packages/core/test/oauth/scopes-on-the-wire.test.ts',
  },
  {
    name: 'scope in a token request > SCP-12 a refresh that narrows the scope spells it the dialect’s way too',
    file: '/work/main/packages/core/test/oauth/scopes-on-the-wire.test.ts',
  },
  {
    name: 'the context of a token, with a store in memory, > is one object for all requests, and another one for the next token',
    file: '/work/main/packages/core/test/launch/context-identity.test.ts',
  },
  {
    name: 'the context of a token, with a store in memory, > stays the same when another launch of the session is refreshed, and when the session is touched',
    file: '/work/main/packages/core/test/launch/context-identity.test.ts',
  },
  {
    name: 'the context of a token, with a store in memory, > serves a handler that still runs when its browser logs in once more: it gets tokens as long as the launch lives',
    file: '/work/main/packages/core/test/launch/context-identity.test.ts',
  },
  {
    name: 'the context of a token, with a store shared, > is one object for all requests, and another one for the next token',
    file: '/work/main/packages/core/test/launch/context-identity.test.ts',
  },
  {
    name: 'the context of a token, with a store shared, > stays the same when another launch of the session is refreshed, and when the session is touched',
    file: '/work/main/packages/core/test/launch/context-identity.test.ts',
  },
  {
    name: 'the context of a token, with a store shared, > serves a handler that still runs when its browser logs in once more: it gets tokens as long as the launch lives',
    file: '/work/main/packages/core/test/launch/context-identity.test.ts',
  },
  {
    name: 'the context of a token in a shared store > stays the same when another process touches the session',
    file: '/work/main/packages/core/test/launch/context-identity.test.ts',
  },
  {
    name: 'the context of a token in a shared store > is read in one round trip per request',
    file: '/work/main/packages/core/test/launch/context-identity.test.ts',
  },
  {
    name: "client_secret_basic > AUTH-B1 is SMART's own example to the letter, in each grant",
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'client_secret_basic > AUTH-B1 a long secret stays on one line',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'client_secret_basic > AUTH-B2 joins id and secret raw',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'client_secret_basic > AUTH-B2 joins id and secret rfc6749',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'client_secret_basic > AUTH-B2 raw is the default, and what the sandbox compares with',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'client_secret_basic > AUTH-B2 a colon in the client id is refused at construction with raw, and carried by rfc6749',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'client_secret_basic > AUTH-B2 an encoding of another name is refused',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'client_secret_basic > AUTH-B2 when the server says invalid_client, the other encoding is named if it would make a difference',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'client_secret_basic > AUTH-B3 encodes text outside Latin-1 as UTF-8',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'client_secret_basic > AUTH-B5 serves backend services as well, as some vendors want it',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'client_secret_basic > AUTH-B1 a secret that is undefined is refused at construction',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'client_secret_basic > AUTH-B1 a secret that is "" is refused at construction',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'client_secret_basic > AUTH-B1 a secret that is "  " is refused at construction',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'AUTH-B4 client_secret_post sends id and secret in the body, and no Authorization header',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'private_key_jwt > AUTH-J1 signs the code exchange, the refresh and client_credentials, each with an assertion of its own',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'private_key_jwt > AUTH-J2 the grant type stays what it is',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'private_key_jwt > AUTH-J1 without a key set is refused at construction, with what to write',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'private_key_jwt > AUTH-J1 when the server says invalid_client, the key to look for in its JWKS is named',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'public client > AUTH-P1 names itself in the body, at the code exchange and at the refresh, and proves nothing',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'public client > AUTH-P2 is what an app is that says nothing; a secret or keys make it a confidential one',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'TLS > AUTH-X1 a server with a certificate that nobody vouches for gets nothing',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'TLS > AUTH-X1 an app with an authority of its own gives a fetch that trusts it',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'TLS > AUTH-X1 TLS 1.1 is too old',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'TLS > AUTH-X1 no option turns the check off',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'AUTH-X2 TOK-07 the configured method is used, whatever the server lists: {"token_endpoint_auth_methods_supported":["client_secret_post","private_key_jwt"]}',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'AUTH-X2 TOK-07 the configured method is used, whatever the server lists: {"token_endpoint_auth_methods_supported":[]}',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'AUTH-X2 TOK-07 the configured method is used, whatever the server lists: {"token_endpoint_auth_methods":["private_key_jwt"]}',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'AUTH-X2 TOK-07 the configured method is used, whatever the server lists: {}',
    file: '/work/main/packages/core/test/client/client-auth.test.ts',
  },
  {
    name: 'smart-configuration > DISC-01 DISC-02 asks once, below the path of the base (/apis/fhir), for JSON',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-01 DISC-02 asks once, below the path of the base (/apis/fhir/), for JSON',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-03 reads JSON whatever its content type says',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-03 refuses a web page with status 200',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-03 refuses nothing with status 200',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-03 refuses a list with status 200',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-03 refuses null with status 200',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-03 refuses an empty object with status 200',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-04 takes relative endpoints as relative to the base as a folder (/fhir)',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-04 takes relative endpoints as relative to the base as a folder (/fhir/)',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-05 does without issuer',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-05 does without jwks_uri',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-05 does without grant_types_supported',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-05 does without capabilities',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-05 does without code_challenge_methods_supported',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-05 fails without a token endpoint, naming every URL tried',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-05 a launch without an authorization endpoint fails when it needs it, saying where it was looked for',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-06 a backend needs no authorization endpoint, and looks no further for one',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-07 asks for scopes that scopes_supported does not list, unchanged',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-08 DISC-16 keeps members it has no use for in the raw document, and known optional ones typed',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-14 refuses the endpoint http://ehr.example.com/token before anything is sent to it',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-14 refuses the endpoint http://127.0.0.1.example.com/token before anything is sent to it',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-14 refuses the endpoint ftp://127.0.0.1/token before anything is sent to it',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-14 refuses the endpoint javascript:alert(1) before anything is sent to it',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-14 asks nothing of a base that is not https',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-14 does not follow a redirect (301)',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-14 does not follow a redirect (302)',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > DISC-14 does not follow a redirect (307)',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > TOK-09 gives up on a server that answers only in part',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'smart-configuration > TOK-09 gives up on a server that sends without end',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'the CapabilityStatement > DISC-09 DISC-10 is read after a 404, as CapabilityStatement; issuer, keys and PKCE stay unknown',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'the CapabilityStatement > DISC-09 DISC-10 is read after a 404, as Conformance; issuer, keys and PKCE stay unknown',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'the CapabilityStatement > DISC-10 with no word on PKCE the policy of the dialect decides: force',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'the CapabilityStatement > DISC-10 with no word on PKCE the policy of the dialect decides: auto',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'the CapabilityStatement > DISC-09 when both fail, one error names both URLs and why each failed',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'openid-configuration > DISC-11 adds what smart-configuration lacks, and changes nothing of it',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'openid-configuration > DISC-11 of the issuer that the dialect names stands in for a missing smart-configuration',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'openid-configuration > DISC-11 is refused when it names another issuer: "https://attacker.example.com"',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'openid-configuration > DISC-11 is refused when it names another issuer: undefined',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'openid-configuration > DISC-11 is refused when it names another issuer: {"toString":null}',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'openid-configuration > DISC-11 is refused when it names another issuer: "a"',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'openid-configuration > DISC-11 an issuer from a document is shown on one line',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'configuration > DISC-12 the discovery URL of the dialect is asked in place of the one below the base',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'configuration > DISC-12 static metadata wins over what is discovered',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'configuration > DISC-12 complete static metadata asks the server nothing',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'configuration > DISC-15 configures itself from the base URL alone',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'DISC-03 whatever JSON a server sends, discovery succeeds or fails with its own error',
    file: '/work/main/packages/core/test/discovery/discover.test.ts',
  },
  {
    name: 'athenahealth() > PKCE-07 PKCE-04 sends PKCE although discovery does not list it',
    file: '/work/main/packages/core/test/dialects/athenahealth.test.ts',
  },
  {
    name: 'athenahealth() > PKCE-07 a dialect that only sends what is listed would not have',
    file: '/work/main/packages/core/test/dialects/athenahealth.test.ts',
  },
  {
    name: 'athenahealth() > DISC-12 the token endpoint of the registration wins over an internal host in discovery',
    file: '/work/main/packages/core/test/dialects/athenahealth.test.ts',
  },
  {
    name: 'athenahealth() > IDT-11 takes an id_token for the audience that the option names',
    file: '/work/main/packages/core/test/dialects/athenahealth.test.ts',
  },
  {
    name: 'athenahealth() > IDT-01 IDT-11 refuses it without',
    file: '/work/main/packages/core/test/dialects/athenahealth.test.ts',
  },
  {
    name: 'athenahealth() > a misspelt option is refused',
    file: '/work/main/packages/core/test/dialects/athenahealth.test.ts',
  },
  {
    name: 'TOK-02 TOK-03 TOK-05 a public client sends exactly what the code exchange needs',
    file: '/work/main/packages/core/test/oauth/grants.test.ts',
  },
  {
    name: 'TOK-02 TOK-03 TOK-05 a client_secret_basic client sends exactly what the code exchange needs',
    file: '/work/main/packages/core/test/oauth/grants.test.ts',
  },
  {
    name: 'TOK-02 TOK-03 TOK-05 a client_secret_post client sends exactly what the code exchange needs',
    file: '/work/main/packages/core/test/oauth/grants.test.ts',
  },
  {
    name: 'TOK-02 TOK-03 TOK-05 a private_key_jwt client sends exactly what the code exchange needs',
    file: '/work/main/packages/core/test/oauth/grants.test.ts',
  },
  {
    name: 'TOK-03 with sendClientId always, client_id stands in the body beside Basic',
    file: '/work/main/packages/core/test/oauth/grants.test.ts',
  },
  {
    name: 'TOK-03 with sendClientId always, client_id stands in the body beside an assertion',
    file: '/work/main/packages/core/test/oauth/grants.test.ts',
  },
  {
    name: 'TOK-03 a dialect can add client_id and others by grant; each parameter stands once',
    file: '/work/main/packages/core/test/oauth/grants.test.ts',
  },
  {
    name: 'TOK-05 TOK-03 InteliChart: exactly the six parameters of its code exchange, and three at the refresh',
    file: '/work/main/packages/core/test/oauth/grants.test.ts',
  },
  {
    name: 'TOK-02 without PKCE no code_verifier is sent',
    file: '/work/main/packages/core/test/oauth/grants.test.ts',
  },
  {
    name: 'TOK-06 after a refusal the code is not tried again',
    file: '/work/main/packages/core/test/oauth/grants.test.ts',
  },
  {
    name: 'TOK-06 after a server error the code is not tried again',
    file: '/work/main/packages/core/test/oauth/grants.test.ts',
  },
  {
    name: 'TOK-06 after a cut connection the code is not tried again',
    file: '/work/main/packages/core/test/oauth/grants.test.ts',
  },
  {
    name: 'TOK-06 after silence the code is not tried again',
    file: '/work/main/packages/core/test/oauth/grants.test.ts',
  },
  {
    name: 'TOK-06 after an unusable answer the code is not tried again',
    file: '/work/main/packages/core/test/oauth/grants.test.ts',
  },
  {
    name: 'TOK-07 keys alone make a client asymmetric',
    file: '/work/main/packages/core/test/oauth/grants.test.ts',
  },
  {
    name: 'RFR-02 a refresh asks for no scope, or for less than was granted, never for more',
    file: '/work/main/packages/core/test/oauth/grants.test.ts',
  },
  {
    name: 'SCP-12 scopes go over the wire in the form of the dialect, and come back in that of SMART',
    file: '/work/main/packages/core/test/oauth/grants.test.ts',
  },
  {
    name: 'a usable key > JWKS-01 may be a JWK',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWKS-01 may be the text of a JWK',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWKS-01 may be a JWK Set',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWKS-01 may be the text of a JWK Set',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWKS-01 may be a PKCS#8 PEM',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWKS-01 may be a PEM on one line, as environment files have it',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWKS-01 may be a PEM with Windows line ends',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWKS-01 may be a PEM on one line, its line ends those of Windows',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWKS-01 may be a PEM in quotes',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWKS-01 may be a PEM below what openssl says of it',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWKS-01 may be a PKCS#1 PEM',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWKS-01 may be a PKCS#1 PEM on one line',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWKS-01 may be a PEM beside its certificate',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWKS-01 may be a PEM in base64',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWKS-01 may be a JWK Set in base64, in lines',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWKS-01 may be what a function gives',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWKS-01 may be what a function gives later',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWT-15 RSA has its algorithm by itself, as JWK and as PEM',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWT-15 P-384 has its algorithm by itself, as JWK and as PEM',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWT-15 P-256 has its algorithm by itself, as JWK and as PEM',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWT-15 P-521 has its algorithm by itself, as JWK and as PEM',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWT-15 Ed25519 has its algorithm by itself, as JWK and as PEM',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWKS-01 may be a SEC1 PEM of P-256, with its parameters before it',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWKS-01 may be a SEC1 PEM of P-384, with its parameters before it',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWKS-01 may be a SEC1 PEM of P-521, with its parameters before it',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWKS-01 may be a PKCS#8 PEM without the public half, as Java writes it',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWKS-01 may be several PEM blocks of different kinds in one text: the first signs',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'a usable key > JWT-15 the alg option is for keys that name none',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'what the world may see > JWKS-01 JWKS-04 JWKS-05 public members only, with kid, alg and use',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'what the world may see > JWKS-04 nothing private shows in the key set, printed, as JSON, or enumerated',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'what the world may see > JWKS-05 changing what publicJwks() returned changes nothing',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'what the world may see > JWKS-07 without a kid it is the RFC 7638 thumbprint: stable, and URL-safe',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'what the world may see > JWKS-07 a kid of the key is kept to the letter',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'what the world may see > JWKS-07 the thumbprint is the one of RFC 7638 §3.1',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: undefined, as an unset variable is',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: null',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: empty',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: blank',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: the name of a file',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: neither JSON nor PEM',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: JSON cut off',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a number',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a bare list of keys',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a JWK Set whose keys are no list',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a JWK Set without a key',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a JWK Set with something else in it',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a truncated PEM',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a PEM of nothing',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a PEM header alone',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a public PEM',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a certificate',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a PKCS#1 PEM cut off',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a PKCS#1 PEM of nothing',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a PKCS#1 PEM that is no base64',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a PKCS#1 PEM of 1024 bits',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a PKCS#1 PEM that is a SEC1 key',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a SEC1 PEM that is no DER',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a SEC1 PEM of a curve nobody uses',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a SEC1 PEM without its curve',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a SEC1 PEM cut off',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a DSA PEM',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: an OpenSSH key',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: several PEM blocks, one of them damaged',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: the same PEM twice',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a PEM in base64, cut off',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a function that gives nothing',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a function that gives a public key',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: an encrypted PEM',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: an encrypted PKCS#1 PEM',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: an encrypted SEC1 PEM',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a PEM of a curve nobody uses',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a public JWK',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: an RSA key of 1024 bits',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: an RSA PEM of 1024 bits',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a P-256 key with alg ES384',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a P-384 key with alg RS384',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: an RSA key with alg ES384',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a key of the curve secp256k1',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a symmetric key',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a key without kty',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: an EC key that says RSA',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: an RSA key that says EC',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: an EC key that says OKP',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: two keys of one kid',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: one key twice',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a key with a kid that is a number',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a key with an empty kid',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a signFrom that is no time',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a signUntil without its zone',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a signFrom in milliseconds',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a signFrom that is no day',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a misspelt signFrom',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a misspelt signUntil',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a key that ends before it begins',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a key for encryption',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: a key without a coordinate',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: an RSA key without its primes',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: the private half of one key with the public half of another',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: halves of two EC keys',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 JWKS-05 says what is wrong: an RSA key of 1024 bits, padded with zeros',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 an algorithm that the PEM cannot do is named',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWKS-05 an empty key set, and two keys of one kid, are refused by KeySet itself',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'an unusable key > JWT-15 any JSON and any text is loaded, or refused as an invalid key',
    file: '/work/main/packages/core/test/client/load-key-set.test.ts',
  },
  {
    name: 'errors of the token endpoint > ERR-01 invalid_request becomes a typed error, whatever the status',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the token endpoint > ERR-01 invalid_client becomes a typed error, whatever the status',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the token endpoint > ERR-01 invalid_grant becomes a typed error, whatever the status',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the token endpoint > ERR-01 unauthorized_client becomes a typed error, whatever the status',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the token endpoint > ERR-01 unsupported_grant_type becomes a typed error, whatever the status',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the token endpoint > ERR-01 invalid_scope becomes a typed error, whatever the status',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the token endpoint > ERR-01 an error_description and error_uri of null count as absent',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the token endpoint > ERR-01 an error_description and error_uri of 5 count as absent',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the token endpoint > ERR-01 an error_description and error_uri of "" count as absent',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the token endpoint > ERR-01 an error_description and error_uri of {} count as absent',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the token endpoint > ERR-01 an error_description and error_uri of undefined count as absent',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the token endpoint > ERR-01 Retry-After says when a new try makes sense',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the token endpoint > ERR-02 bad credentials and a grant that is not enabled are told apart, each with its own advice',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the token endpoint > ERR-02 a client that signs is told to look at its registered key',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the token endpoint > ERR-03 an answer that is no OAuth error gives its status and nothing of its body: a web page',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the token endpoint > ERR-03 an answer that is no OAuth error gives its status and nothing of its body: nothing',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the token endpoint > ERR-03 an answer that is no OAuth error gives its status and nothing of its body: JSON that is no object',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the token endpoint > ERR-03 an answer that is no OAuth error gives its status and nothing of its body: JSON without an error',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the token endpoint > ERR-03 an answer that is no OAuth error gives its status and nothing of its body: an error that is no text',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the token endpoint > ERR-03 an error code of the vendor’s own reaches the caller as it is',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the token endpoint > ERR-03 long and multi-line texts are cut to one short line',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the authorization endpoint > ERR-04 access_denied reaches the caller by its name',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the authorization endpoint > ERR-04 invalid_request reaches the caller by its name',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the authorization endpoint > ERR-04 unauthorized_client reaches the caller by its name',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the authorization endpoint > ERR-04 unsupported_response_type reaches the caller by its name',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the authorization endpoint > ERR-04 invalid_scope reaches the caller by its name',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the authorization endpoint > ERR-04 server_error reaches the caller by its name',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the authorization endpoint > ERR-04 temporarily_unavailable reaches the caller by its name',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the authorization endpoint > ERR-04 login_required reaches the caller by its name',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the authorization endpoint > ERR-04 consent_required reaches the caller by its name',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the authorization endpoint > ERR-04 vendor_specific reaches the caller by its name',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'errors of the authorization endpoint > ERR-04 an error counts for nothing before the state is right',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'error_uri > ERR-07 an error_uri that is no http or https URL is dropped: "javascript:alert(1)"',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'error_uri > ERR-07 an error_uri that is no http or https URL is dropped: "data:text/html,x"',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'error_uri > ERR-07 an error_uri that is no http or https URL is dropped: "file:///etc/passwd"',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'error_uri > ERR-07 an error_uri that is no http or https URL is dropped: "/relative"',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'error_uri > ERR-07 an error_uri that is no http or https URL is dropped: "not a URL"',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'error_uri > ERR-07 an error_uri that is no http or https URL is dropped: "//host/x"',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'error_uri > ERR-07 an error_uri that is no http or https URL is dropped: 5',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'error_uri > ERR-07 an error_uri that is no http or https URL is dropped: null',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'error_uri > ERR-07 an https error_uri is shown as an escaped link, on the page and to a program',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'secrets in what a server quotes > ERR-06 plain-secret is blotted out in every spelling in which a request carries it',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'secrets in what a server quotes > ERR-06 with space and + sign is blotted out in every spelling in which a request carries it',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: "secrets in what a server quotes > ERR-06 with !'()*~ signs is blotted out in every spelling in which a request carries it",
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'secrets in what a server quotes > ERR-06 ünïcode-sécret is blotted out in every spelling in which a request carries it',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'secrets in what a server quotes > ERR-06 a&b=c%20d/e is blotted out in every spelling in which a request carries it',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'secrets in what a server quotes > ERR-06 a secret that contains another one leaves no rest',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'secrets in what a server quotes > ERR-06 the credentials, the code and the assertion that were sent are blotted out of the server’s answer',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'any JSON at all > ERR-01 ERR-07 SEC-09 gives no error, or one that is short, of one line and with an http link at most',
    file: '/work/main/packages/core/test/oauth/oauth-error.test.ts',
  },
  {
    name: 'DISC-05 members of the wrong type count as missing',
    file: '/work/main/packages/core/test/discovery/server-metadata.test.ts',
  },
  {
    name: 'DISC-04 an absolute endpoint stays as written, to the letter',
    file: '/work/main/packages/core/test/discovery/server-metadata.test.ts',
  },
  {
    name: 'AUTH-X2 reads the methods under the name that one vendor gives them, and prefers the standard one',
    file: '/work/main/packages/core/test/discovery/server-metadata.test.ts',
  },
  {
    name: 'DISC-14 authorization_endpoint must be https',
    file: '/work/main/packages/core/test/discovery/server-metadata.test.ts',
  },
  {
    name: 'DISC-14 token_endpoint must be https',
    file: '/work/main/packages/core/test/discovery/server-metadata.test.ts',
  },
  {
    name: 'DISC-14 jwks_uri must be https',
    file: '/work/main/packages/core/test/discovery/server-metadata.test.ts',
  },
  {
    name: 'DISC-14 introspection_endpoint must be https',
    file: '/work/main/packages/core/test/discovery/server-metadata.test.ts',
  },
  {
    name: 'DISC-14 revocation_endpoint must be https',
    file: '/work/main/packages/core/test/discovery/server-metadata.test.ts',
  },
  {
    name: 'DISC-14 end_session_endpoint must be https',
    file: '/work/main/packages/core/test/discovery/server-metadata.test.ts',
  },
  {
    name: 'DISC-05 a missing endpoint is named, with the documents that lack it and the remedy',
    file: '/work/main/packages/core/test/discovery/server-metadata.test.ts',
  },
  {
    name: 'DISC-05 documents are named on one line, without their query',
    file: '/work/main/packages/core/test/discovery/server-metadata.test.ts',
  },
  {
    name: 'DISC-05 any JSON object is read, or refused as insecure',
    file: '/work/main/packages/core/test/discovery/server-metadata.test.ts',
  },
  {
    name: 'a launch in a frame > EHR-07 whose browser keeps cookies completes, after one turn',
    file: '/work/main/packages/core/test/launch/frame-check.test.ts',
  },
  {
    name: 'a launch in a frame > EHR-07 whose browser keeps none offers a new tab, in which the same launch completes',
    file: '/work/main/packages/core/test/launch/frame-check.test.ts',
  },
  {
    name: 'a launch in a frame > EHR-07 that is opened once more when cookies are allowed starts from the beginning',
    file: '/work/main/packages/core/test/launch/frame-check.test.ts',
  },
  {
    name: 'a launch in a frame > in a tab makes no turn',
    file: '/work/main/packages/core/test/launch/frame-check.test.ts',
  },
  {
    name: 'a launch in a frame > EHR-03 is refused before any turn when its server is not registered',
    file: '/work/main/packages/core/test/launch/frame-check.test.ts',
  },
  {
    name: 'the question whether a frame keeps cookies > EHR-07 is a cookie of the same kind as the login’s, for a minute: none',
    file: '/work/main/packages/core/test/launch/frame-check.test.ts',
  },
  {
    name: 'the question whether a frame keeps cookies > EHR-07 is a cookie of the same kind as the login’s, for a minute: lax',
    file: '/work/main/packages/core/test/launch/frame-check.test.ts',
  },
  {
    name: 'the question whether a frame keeps cookies > has the prefix in its addresses that a proxy strips before the app',
    file: '/work/main/packages/core/test/launch/frame-check.test.ts',
  },
  {
    name: 'the question whether a frame keeps cookies > is asked in old frames as well, and never of a page, a script or an image',
    file: '/work/main/packages/core/test/launch/frame-check.test.ts',
  },
  {
    name: 'the question whether a frame keeps cookies > SEC-02 shows nothing of the launch as markup: <script>alert(1)</script>',
    file: '/work/main/packages/core/test/launch/frame-check.test.ts',
  },
  {
    name: 'the question whether a frame keeps cookies > SEC-02 shows nothing of the launch as markup: "><img src=x onerror=alert(1)>',
    file: '/work/main/packages/core/test/launch/frame-check.test.ts',
  },
  {
    name: "the question whether a frame keeps cookies > SEC-02 shows nothing of the launch as markup: '><svg onload=alert(1)>",
    file: '/work/main/packages/core/test/launch/frame-check.test.ts',
  },
  {
    name: 'the question whether a frame keeps cookies > SEC-02 shows nothing of the launch as markup: </title><script>alert(1)</script>',
    file: '/work/main/packages/core/test/launch/frame-check.test.ts',
  },
  {
    name: 'the question whether a frame keeps cookies > SEC-02 shows nothing of the launch as markup: " autofocus onfocus="alert(1)',
    file: '/work/main/packages/core/test/launch/frame-check.test.ts',
  },
  {
    name: 'the question whether a frame keeps cookies > SEC-02 shows nothing of the launch as markup: --><iframe srcdoc="x">',
    file: '/work/main/packages/core/test/launch/frame-check.test.ts',
  },
  {
    name: 'the question whether a frame keeps cookies > SEC-02 shows nothing of the launch as markup: &lt;script&gt;alert(1)&lt;/script&gt;',
    file: '/work/main/packages/core/test/launch/frame-check.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the path asked for: /',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the path asked for: /chart',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the path asked for: /chart?patient=1&x=%2F%2Fy#part?',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the path asked for: /a/../b',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the path asked for: /@evil.example',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the path asked for: /https://evil.example',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the path asked for: /é/ü?q=ß',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "//evil.example"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "///evil.example"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "/\\\\evil.example"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "\\\\\\\\evil.example"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "https://evil.example"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "https:evil.example"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "https:/evil.example"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "javascript:alert(1)"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "data:text/html,x"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "/\\t/evil.example"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "/\\n/evil.example"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "\\t//evil.example"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for " //evil.example"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "/..//evil.example"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "/.//evil.example"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "/a/../..//evil.example"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "/%2e%2e//evil.example"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "/%2E//evil.example"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "/./\\\\evil.example"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "/a\\\\..\\\\..\\\\\\\\evil.example"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "evil.example"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "@evil.example"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "?x"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "#x"',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for "."',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback for ""',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is the fallback when nothing is asked for',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'where a person goes after login > CB-07 is never on another origin, whatever is asked for',
    file: '/work/main/packages/core/test/launch/return-to.test.ts',
  },
  {
    name: 'reading one cookie > finds the same value as splitting the header would, whatever the header',
    file: '/work/main/packages/core/test/launch/cookies.test.ts',
  },
  {
    name: 'reading one cookie > never throws',
    file: '/work/main/packages/core/test/launch/cookies.test.ts',
  },
  {
    name: 'reading one cookie > SEC-04 does not take it from a longer name',
    file: '/work/main/packages/core/test/launch/cookies.test.ts',
  },
  {
    name: 'reading one cookie > SEC-04 does not take it from the value of another cookie',
    file: '/work/main/packages/core/test/launch/cookies.test.ts',
  },
  {
    name: 'reading one cookie > SEC-04 does not take it from the value of another cookie, after a blank',
    file: '/work/main/packages/core/test/launch/cookies.test.ts',
  },
  {
    name: 'reading one cookie > SEC-04 does not take it from the value of another cookie, after a tab',
    file: '/work/main/packages/core/test/launch/cookies.test.ts',
  },
  {
    name: 'reading one cookie > SEC-04 does not take it from another case',
    file: '/work/main/packages/core/test/launch/cookies.test.ts',
  },
  {
    name: 'reading one cookie > lists the names that begin with a prefix, in order, and never throws',
    file: '/work/main/packages/core/test/launch/cookies.test.ts',
  },
  {
    name: 'writing cookies > SEC-03 pins them to host and TLS, out of reach of scripts',
    file: '/work/main/packages/core/test/launch/cookies.test.ts',
  },
  {
    name: 'writing cookies > SEC-03 drops Secure and its prefix for an app on http://localhost alone',
    file: '/work/main/packages/core/test/launch/cookies.test.ts',
  },
  {
    name: "writing cookies > EHR-07 lets them into an EHR's frame: SameSite=None with Secure and Partitioned",
    file: '/work/main/packages/core/test/launch/cookies.test.ts',
  },
  {
    name: 'the keys of an issuer > IDT-04 a key set of bare keys is enough, and what is no key in it is left out',
    file: '/work/main/packages/core/test/oauth/issuer-keys.test.ts',
  },
  {
    name: 'the keys of an issuer > IDT-05 many logins at once fetch the key set once',
    file: '/work/main/packages/core/test/oauth/issuer-keys.test.ts',
  },
  {
    name: 'the keys of an issuer > IDT-05 the key set is kept as long as its Cache-Control says, ten minutes where it says nothing, a day at most',
    file: '/work/main/packages/core/test/oauth/issuer-keys.test.ts',
  },
  {
    name: 'the keys of an issuer > IDT-05 an unknown kid causes one refetch, which finds a rotated key',
    file: '/work/main/packages/core/test/oauth/issuer-keys.test.ts',
  },
  {
    name: 'the keys of an issuer > IDT-05 then it pauses: a flood of forged kids does not hammer the server',
    file: '/work/main/packages/core/test/oauth/issuer-keys.test.ts',
  },
  {
    name: 'the keys of an issuer > IDT-05 the pause holds after a refetch that failed, and the known keys keep working',
    file: '/work/main/packages/core/test/oauth/issuer-keys.test.ts',
  },
  {
    name: 'the keys of an issuer > IDT-05 an error in place of a key set is a typed error, and the next login tries again',
    file: '/work/main/packages/core/test/oauth/issuer-keys.test.ts',
  },
  {
    name: 'the keys of an issuer > IDT-05 a web page in place of a key set is a typed error, and the next login tries again',
    file: '/work/main/packages/core/test/oauth/issuer-keys.test.ts',
  },
  {
    name: 'the keys of an issuer > IDT-05 no list of keys in place of a key set is a typed error, and the next login tries again',
    file: '/work/main/packages/core/test/oauth/issuer-keys.test.ts',
  },
  {
    name: 'the keys of an issuer > IDT-05 a list in place of a key set is a typed error, and the next login tries again',
    file: '/work/main/packages/core/test/oauth/issuer-keys.test.ts',
  },
  {
    name: 'the keys of an issuer > IDT-05 a server that rotates its keys keeps its people logging in',
    file: '/work/main/packages/core/test/oauth/issuer-keys.test.ts',
  },
  {
    name: 'JWT-01 the header is exactly alg, typ JWT and kid',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'algorithms > JWT-02 JWT-05 JWT-12 RS384 verifies with node:crypto alone, by the one public key of its kid',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'algorithms > JWT-02 JWT-05 JWT-12 ES384 verifies with node:crypto alone, by the one public key of its kid',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'algorithms > JWT-12 an ES384 signature is not DER',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'algorithms > JWT-03 an RSA key signs with RS256 when told to',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'algorithms > JWT-03 an RSA key signs with RS512 when told to',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'algorithms > JWT-03 an RSA key signs with PS256 when told to',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'algorithms > JWT-03 an RSA key signs with PS384 when told to',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'algorithms > JWT-03 an RSA key signs with PS512 when told to',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'algorithms > JWT-03 a P-256 key signs with ES256',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'algorithms > JWT-03 a P-521 key signs with ES512',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'algorithms > JWT-03 none is never used',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'algorithms > JWT-03 HS256 is never used',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'algorithms > JWT-03 HS384 is never used',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'algorithms > JWT-03 HS512 is never used',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'algorithms > JWT-03 the first key that the server accepts signs',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'jku > JWT-04 is left out unless the dialect gives it, and then sent to the letter',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'claims > JWT-06 JWT-07 JWT-09 JWT-11 iss and sub are the client id, aud the token endpoint to the letter, iat now, exp within five minutes',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'claims > JWT-07 JWT-08 with the audience "token_endpoint" aud is one string',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'claims > JWT-07 JWT-08 with the audience "issuer" aud is one string',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'claims > JWT-07 JWT-08 with the audience "fhir_base" aud is one string',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'claims > JWT-07 JWT-08 with the audience {"literal":"urn:anything"} aud is one string',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'claims > JWT-08 with the issuer as audience, an unknown one is said to be missing, and nothing put in its place',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'claims > JWT-09 the lifetime can be less than five minutes, but not more',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'claims > JWT-10 each assertion has a jti of its own, of 128 bits in 36 characters',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'claims > JWT-11 iat is always sent, nbf never',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'claims > JWT-13 a dialect adds claims, but overrides none of those that identify',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'claims > JWT-13 omitClaims leaves out what a server refuses; iss and sub cannot be left out',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'claims > JWT-13 InteliChart: jwks_url to the letter and whole minutes come on top',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'claims > JWT-08 typ can be another one, for servers that ask for it',
    file: '/work/main/packages/core/test/client/client-assertion.test.ts',
  },
  {
    name: 'defineDialect() > BSV-01 SCP-12 JWT-03 sends the request that the rules describe, and nothing else of it changes',
    file: '/work/main/packages/core/test/dialects/define-dialect.test.ts',
  },
  {
    name: 'defineDialect() > starts from another dialect and keeps what it does not set',
    file: '/work/main/packages/core/test/dialects/define-dialect.test.ts',
  },
  {
    name: 'defineDialect() > makes a value that nobody can change',
    file: '/work/main/packages/core/test/dialects/define-dialect.test.ts',
  },
  {
    name: 'defineDialect() > tells its check how the client is used, its scope included',
    file: '/work/main/packages/core/test/dialects/define-dialect.test.ts',
  },
  {
    name: 'defineDialect() > JWT-09 JWT-13 refuses { tokens: {} }',
    file: '/work/main/packages/core/test/dialects/define-dialect.test.ts',
  },
  {
    name: 'defineDialect() > JWT-09 JWT-13 refuses { assertion: { lifetimeSecond: 60 } }',
    file: '/work/main/packages/core/test/dialects/define-dialect.test.ts',
  },
  {
    name: 'defineDialect() > JWT-09 JWT-13 refuses { assertion: { lifetimeSeconds: 301 } }',
    file: '/work/main/packages/core/test/dialects/define-dialect.test.ts',
  },
  {
    name: 'defineDialect() > JWT-09 JWT-13 refuses { assertion: { lifetimeSeconds: +0 } }',
    file: '/work/main/packages/core/test/dialects/define-dialect.test.ts',
  },
  {
    name: 'DISC-09 knows the extension whatever the case of its URL: http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
    file: '/work/main/packages/core/test/discovery/capability-statement.test.ts',
  },
  {
    name: 'DISC-09 knows the extension whatever the case of its URL: http://FHIR-registry.smarthealthit.org/StructureDefinition/oauth-uris',
    file: '/work/main/packages/core/test/discovery/capability-statement.test.ts',
  },
  {
    name: 'DISC-09 leaves other extensions, unknown children and values that are no text alone',
    file: '/work/main/packages/core/test/discovery/capability-statement.test.ts',
  },
  {
    name: 'DISC-09 reads any JSON without throwing',
    file: '/work/main/packages/core/test/discovery/capability-statement.test.ts',
  },
  {
    name: 'a key with a signFrom > JWKS-06 is published before it, signs from it on, and retires the one before',
    file: '/work/main/packages/core/test/client/key-times.test.ts',
  },
  {
    name: 'a key with a signFrom > JWKS-06 the one before stays published for max-age, an assertion’s life and the clocks of others',
    file: '/work/main/packages/core/test/client/key-times.test.ts',
  },
  {
    name: 'a key with a signFrom > JWKS-06 the order of the set makes no difference between keys with times',
    file: '/work/main/packages/core/test/client/key-times.test.ts',
  },
  {
    name: 'a key with a signFrom > JWKS-06 retires keys of its own algorithm only: a server that takes no other is still served',
    file: '/work/main/packages/core/test/client/key-times.test.ts',
  },
  {
    name: 'a key with a signFrom > JWKS-06 may be written as a date, with a zone, or in seconds',
    file: '/work/main/packages/core/test/client/key-times.test.ts',
  },
  {
    name: 'a key with a signUntil > JWKS-06 signs no more from then on, and is published until its overlap ends',
    file: '/work/main/packages/core/test/client/key-times.test.ts',
  },
  {
    name: 'a key with a signUntil > JWKS-06 on a new key that turned out bad: the one before signs again',
    file: '/work/main/packages/core/test/client/key-times.test.ts',
  },
  {
    name: 'keys without times > JWKS-06 the first of an algorithm signs, the others are next',
    file: '/work/main/packages/core/test/client/key-times.test.ts',
  },
  {
    name: 'when no key may sign > JWKS-06 the error names each key and its time',
    file: '/work/main/packages/core/test/client/key-times.test.ts',
  },
  {
    name: 'which launch a request belongs to > is the only one there is',
    file: '/work/main/packages/core/test/launch/launch-choice.test.ts',
  },
  {
    name: 'which launch a request belongs to > EHR-06 is the one named in the query, the header, or the address of the page it comes from',
    file: '/work/main/packages/core/test/launch/launch-choice.test.ts',
  },
  {
    name: 'which launch a request belongs to > EHR-06 is what the request itself says, before where it comes from',
    file: '/work/main/packages/core/test/launch/launch-choice.test.ts',
  },
  {
    name: "which launch a request belongs to > EHR-06 is not what another site's page says, even if it sends its whole address",
    file: '/work/main/packages/core/test/launch/launch-choice.test.ts',
  },
  {
    name: 'which launch a request belongs to > EHR-06 is refused, not guessed, when there are several and none is named',
    file: '/work/main/packages/core/test/launch/launch-choice.test.ts',
  },
  {
    name: 'which launch a request belongs to > EHR-06 is none when the one named has ended, even if another is the only one left',
    file: '/work/main/packages/core/test/launch/launch-choice.test.ts',
  },
  {
    name: 'which launch a request belongs to > EHR-06 is never another one than the one named, and never throws but for ambiguity',
    file: '/work/main/packages/core/test/launch/launch-choice.test.ts',
  },
  {
    name: 'the address of a page reached by a plain link > EHR-06 gets the launch of the page before: /labs',
    file: '/work/main/packages/core/test/launch/launch-choice.test.ts',
  },
  {
    name: 'the address of a page reached by a plain link > EHR-06 gets the launch of the page before: /labs?q=a%20b',
    file: '/work/main/packages/core/test/launch/launch-choice.test.ts',
  },
  {
    name: 'the address of a page reached by a plain link > EHR-06 stays as it is where it names a launch itself, or where nothing before it does',
    file: '/work/main/packages/core/test/launch/launch-choice.test.ts',
  },
  {
    name: 'naming a launch in a path > turns / into /?launch_id=new',
    file: '/work/main/packages/core/test/launch/launch-choice.test.ts',
  },
  {
    name: 'naming a launch in a path > turns /chart?a=1 into /chart?a=1&launch_id=new',
    file: '/work/main/packages/core/test/launch/launch-choice.test.ts',
  },
  {
    name: 'naming a launch in a path > turns /chart#x?y into /chart?launch_id=new#x?y',
    file: '/work/main/packages/core/test/launch/launch-choice.test.ts',
  },
  {
    name: 'naming a launch in a path > turns /chart?a=%2F+b#x#y into /chart?a=%2F+b&launch_id=new#x#y',
    file: '/work/main/packages/core/test/launch/launch-choice.test.ts',
  },
  {
    name: 'naming a launch in a path > turns /chart? into /chart?launch_id=new',
    file: '/work/main/packages/core/test/launch/launch-choice.test.ts',
  },
  {
    name: 'naming a launch in a path > turns /chart?launch_id=old into /chart?launch_id=new',
    file: '/work/main/packages/core/test/launch/launch-choice.test.ts',
  },
  {
    name: 'naming a launch in a path > turns /chart?launch_id=old&a=1&launch_id=older#x into /chart?a=1&launch_id=new#x',
    file: '/work/main/packages/core/test/launch/launch-choice.test.ts',
  },
  {
    name: 'naming a launch in a path > turns /chart?launch%5Fid=old into /chart?launch_id=new',
    file: '/work/main/packages/core/test/launch/launch-choice.test.ts',
  },
  {
    name: 'naming a launch in a path > leaves the path as it is where there is no launch',
    file: '/work/main/packages/core/test/launch/launch-choice.test.ts',
  },
  {
    name: 'naming a launch in a path > is read back, whatever the path',
    file: '/work/main/packages/core/test/launch/launch-choice.test.ts',
  },
  {
    name: 'DISC-13 a hundred callers at once make one request',
    file: '/work/main/packages/core/test/discovery/metadata-cache.test.ts',
  },
  {
    name: 'DISC-13 a document is kept for its max-age (max-age=600: 600 s)',
    file: '/work/main/packages/core/test/discovery/metadata-cache.test.ts',
  },
  {
    name: 'DISC-13 a document is kept for an hour where it says nothing (undefined: 3600 s)',
    file: '/work/main/packages/core/test/discovery/metadata-cache.test.ts',
  },
  {
    name: 'DISC-13 a document is kept for at least a minute (no-store: 60 s)',
    file: '/work/main/packages/core/test/discovery/metadata-cache.test.ts',
  },
  {
    name: 'DISC-13 a document is kept for at least a minute (max-age=1: 60 s)',
    file: '/work/main/packages/core/test/discovery/metadata-cache.test.ts',
  },
  {
    name: 'DISC-13 a document is kept for at most a day (max-age=31536000: 86400 s)',
    file: '/work/main/packages/core/test/discovery/metadata-cache.test.ts',
  },
  {
    name: 'DISC-13 the last good document is served while a refetch fails, which is tried again at intervals',
    file: '/work/main/packages/core/test/discovery/metadata-cache.test.ts',
  },
  {
    name: 'DISC-13 a failure is remembered for five seconds, and no longer',
    file: '/work/main/packages/core/test/discovery/metadata-cache.test.ts',
  },
  {
    name: 'DISC-13 two servers, and two configurations of one, never share an entry',
    file: '/work/main/packages/core/test/discovery/metadata-cache.test.ts',
  },
  {
    name: 'DISC-13 callers that come during a refetch wait for it, and start no other',
    file: '/work/main/packages/core/test/discovery/metadata-cache.test.ts',
  },
  {
    name: 'PKCE and random values > PKCE-02 computes the challenge of RFC 7636 appendix B',
    file: '/work/main/packages/core/test/oauth/pkce.test.ts',
  },
  {
    name: 'PKCE and random values > PKCE-02 makes a challenge that is the unpadded base64url of the SHA-256 of the verifier',
    file: '/work/main/packages/core/test/oauth/pkce.test.ts',
  },
  {
    name: 'PKCE and random values > PKCE-02 STATE-01 draws 256 random bits as 43 unreserved characters, never the same twice',
    file: '/work/main/packages/core/test/oauth/pkce.test.ts',
  },
  {
    name: 'PKCE and random values > STATE-02 compares texts of equal and of different length by all their characters',
    file: '/work/main/packages/core/test/oauth/pkce.test.ts',
  },
  {
    name: 'patient and encounter > RSP-06 patient is read as an id from an id',
    file: '/work/main/packages/core/test/oauth/launch-context.test.ts',
  },
  {
    name: 'patient and encounter > RSP-06 patient is read as an id from a number',
    file: '/work/main/packages/core/test/oauth/launch-context.test.ts',
  },
  {
    name: 'patient and encounter > RSP-06 patient is read as an id from a relative reference',
    file: '/work/main/packages/core/test/oauth/launch-context.test.ts',
  },
  {
    name: 'patient and encounter > RSP-06 patient is read as an id from an absolute reference',
    file: '/work/main/packages/core/test/oauth/launch-context.test.ts',
  },
  {
    name: 'patient and encounter > RSP-06 patient is read as an id from a versioned reference',
    file: '/work/main/packages/core/test/oauth/launch-context.test.ts',
  },
  {
    name: 'patient and encounter > RSP-06 encounter is read the same way',
    file: '/work/main/packages/core/test/oauth/launch-context.test.ts',
  },
  {
    name: 'patient and encounter > RSP-12 a patient that is not there is not guessed: missing',
    file: '/work/main/packages/core/test/oauth/launch-context.test.ts',
  },
  {
    name: 'patient and encounter > RSP-12 a patient that is not there is not guessed: null',
    file: '/work/main/packages/core/test/oauth/launch-context.test.ts',
  },
  {
    name: 'patient and encounter > RSP-12 a patient that is not there is not guessed: empty',
    file: '/work/main/packages/core/test/oauth/launch-context.test.ts',
  },
  {
    name: 'patient and encounter > RSP-12 a patient that is not there is not guessed: a reference without id',
    file: '/work/main/packages/core/test/oauth/launch-context.test.ts',
  },
  {
    name: 'patient and encounter > RSP-12 a patient that is not there is not guessed: a reference to something else',
    file: '/work/main/packages/core/test/oauth/launch-context.test.ts',
  },
  {
    name: 'patient and encounter > RSP-12 a patient that is not there is not guessed: an object',
    file: '/work/main/packages/core/test/oauth/launch-context.test.ts',
  },
  {
    name: 'patient and encounter > RSP-12 a patient that is not there is not guessed: a list',
    file: '/work/main/packages/core/test/oauth/launch-context.test.ts',
  },
  {
    name: 'patient and encounter > RSP-12 a patient that is not there is not guessed: a number that is no id',
    file: '/work/main/packages/core/test/oauth/launch-context.test.ts',
  },
  {
    name: 'patient and encounter > RSP-12 a patient that is not there is not guessed: a number too large to be exact',
    file: '/work/main/packages/core/test/oauth/launch-context.test.ts',
  },
  {
    name: 'the rest of the context > RSP-06 RSP-07 banner, intent, style and tenant are typed; mistyped ones are dropped, and no intent is no fault',
    file: '/work/main/packages/core/test/oauth/launch-context.test.ts',
  },
  {
    name: 'the rest of the context > RSP-07 an intent that nobody knows is handed on as it is',
    file: '/work/main/packages/core/test/oauth/launch-context.test.ts',
  },
  {
    name: 'the rest of the context > RSP-05 RSP-09 unknown members stay readable, authorization_details among them',
    file: '/work/main/packages/core/test/oauth/launch-context.test.ts',
  },
  {
    name: 'the rest of the context > SEC-09 a member named __proto__ stays a member',
    file: '/work/main/packages/core/test/oauth/launch-context.test.ts',
  },
  {
    name: 'fhirContext > RSP-08 reads reference, canonical and identifier with type and role; no role, or an empty one, is "launch"',
    file: '/work/main/packages/core/test/oauth/launch-context.test.ts',
  },
  {
    name: 'fhirContext > RSP-08 tolerates the older form, a list of plain references, and drops what is neither',
    file: '/work/main/packages/core/test/oauth/launch-context.test.ts',
  },
  {
    name: 'fhirContext > RSP-08 context is frozen: what one handler sees, every other one sees',
    file: '/work/main/packages/core/test/oauth/launch-context.test.ts',
  },
  {
    name: 'any JSON at all > RSP-05 RSP-06 SEC-09 never throws, gives ids or nothing, and loses no unknown member',
    file: '/work/main/packages/core/test/oauth/launch-context.test.ts',
  },
  {
    name: 'the sealed store > gives back what it was given',
    file: '/work/main/packages/core/test/launch/sealed-store.test.ts',
  },
  {
    name: 'the sealed store > RFR-09 SEC-04 shows the store neither ids nor tokens, but how long to keep them',
    file: '/work/main/packages/core/test/launch/sealed-store.test.ts',
  },
  {
    name: 'the sealed store > RFR-09 does not open a value moved to the key of another session',
    file: '/work/main/packages/core/test/launch/sealed-store.test.ts',
  },
  {
    name: 'the sealed store > RFR-09 does not open a value that is changed',
    file: '/work/main/packages/core/test/launch/sealed-store.test.ts',
  },
  {
    name: 'the sealed store > RFR-09 does not open a value that is cut',
    file: '/work/main/packages/core/test/launch/sealed-store.test.ts',
  },
  {
    name: 'the sealed store > RFR-09 does not open a value that is in plain text',
    file: '/work/main/packages/core/test/launch/sealed-store.test.ts',
  },
  {
    name: 'the sealed store > RFR-09 does not open a value that is empty',
    file: '/work/main/packages/core/test/launch/sealed-store.test.ts',
  },
  {
    name: 'the sealed store > RFR-09 rotates its secret by a list: the first seals, all open, others do not',
    file: '/work/main/packages/core/test/launch/sealed-store.test.ts',
  },
  {
    name: 'the sealed store > seals the same session differently each time, and for one purpose only',
    file: '/work/main/packages/core/test/launch/sealed-store.test.ts',
  },
  {
    name: 'the sealed store > does not give out a session that has ended, should the store have kept it',
    file: '/work/main/packages/core/test/launch/sealed-store.test.ts',
  },
  {
    name: 'the sealed store > says when the store fails, with the reason as cause',
    file: '/work/main/packages/core/test/launch/sealed-store.test.ts',
  },
  {
    name: 'the sealed store > opens a session once, as long as it does not change',
    file: '/work/main/packages/core/test/launch/sealed-store.test.ts',
  },
  {
    name: 'the sealed store > keeps the launches that did not change when it opens a session that did',
    file: '/work/main/packages/core/test/launch/sealed-store.test.ts',
  },
  {
    name: 'the sealed store > gives out what nobody can change',
    file: '/work/main/packages/core/test/launch/sealed-store.test.ts',
  },
  {
    name: 'the sealed store > RFR-04 replaces a session only where it still is as this process read it',
    file: '/work/main/packages/core/test/launch/sealed-store.test.ts',
  },
  {
    name: 'the sealed store > recalls what it saw for a minute, and nothing that has ended or was removed',
    file: '/work/main/packages/core/test/launch/sealed-store.test.ts',
  },
  {
    name: 'the sealed store > does not recall a session that was removed while it was being read',
    file: '/work/main/packages/core/test/launch/sealed-store.test.ts',
  },
  {
    name: 'the sealed store > does not wait for a store that hangs',
    file: '/work/main/packages/core/test/launch/sealed-store.test.ts',
  },
  {
    name: 'the sealed store > STATE-03 gives a name to one owner, who may renew it, hand it on and give it back',
    file: '/work/main/packages/core/test/launch/sealed-store.test.ts',
  },
  {
    name: 'the sealed store > a name goes from owner to owner, and to nobody who has not seen its last owner, with a store sealed',
    file: '/work/main/packages/core/test/launch/sealed-store.test.ts',
  },
  {
    name: 'the sealed store > a name goes from owner to owner, and to nobody who has not seen its last owner, with a store in memory',
    file: '/work/main/packages/core/test/launch/sealed-store.test.ts',
  },
  {
    name: 'the sealed store > lets one call wait for its whole time limit, the next ones hardly, until the store is heard again',
    file: '/work/main/packages/core/test/launch/sealed-store.test.ts',
  },
  {
    name: 'token_type > RSP-01 takes token_type Bearer: its case does not matter',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'token_type > RSP-01 takes token_type bearer: its case does not matter',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'token_type > RSP-01 takes token_type BEARER: its case does not matter',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'token_type > RSP-01 refuses a token_type that is not Bearer: DPoP',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'token_type > RSP-01 refuses a token_type that is not Bearer: mac',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'token_type > RSP-01 refuses a token_type that is not Bearer: an empty text',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'token_type > RSP-01 refuses a token_type that is not Bearer: null',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'token_type > RSP-01 refuses a token_type that is not Bearer: a number',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'token_type > RSP-01 refuses a token_type that is not Bearer: a list',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'token_type > RSP-01 refuses a token_type that is not Bearer: an object that cannot become text',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'token_type > RSP-01 refuses a token_type that is not Bearer: none at all',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'token_type > RSP-01 takes a missing token_type as Bearer only where the dialect says so',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'access_token > RSP-11 refuses an access_token that fits no Authorization header: missing',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'access_token > RSP-11 refuses an access_token that fits no Authorization header: null',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'access_token > RSP-11 refuses an access_token that fits no Authorization header: empty',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'access_token > RSP-11 refuses an access_token that fits no Authorization header: a number',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'access_token > RSP-11 refuses an access_token that fits no Authorization header: with a line break, which would break the header',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'access_token > RSP-11 refuses an access_token that fits no Authorization header: with a space',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'access_token > RSP-11 refuses an access_token that fits no Authorization header: not ASCII',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'access_token > RSP-03 never parses an access token: anything a header can carry is taken as it is (0)',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'access_token > RSP-03 never parses an access token: anything a header can carry is taken as it is (1)',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'access_token > RSP-03 never parses an access token: anything a header can carry is taken as it is (2)',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'access_token > RSP-03 never parses an access token: anything a header can carry is taken as it is (3)',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'access_token > RSP-03 never parses an access token: anything a header can carry is taken as it is (4)',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'expires_in > RSP-02 reads expires_in a number',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'expires_in > RSP-02 reads expires_in a numeric text',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'expires_in > RSP-02 reads expires_in a fraction',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'expires_in > RSP-02 reads expires_in missing',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'expires_in > RSP-02 reads expires_in null',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'expires_in > RSP-02 reads expires_in zero',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'expires_in > RSP-02 reads expires_in negative',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'expires_in > RSP-02 reads expires_in an empty text',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'expires_in > RSP-02 reads expires_in words',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'expires_in > RSP-02 reads expires_in a list',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'expires_in > RSP-02 reads expires_in infinite, as JSON can write it',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'expires_in > RSP-02 reads expires_in more than a year, a mistake in the unit',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'expires_in > RSP-02 without expires_in the dialect decides, and InteliChart never trusts a token longer than was asked for',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'expires_in > RSP-03 a token is renewed and no longer used before the whole of expires_in has passed',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'scope > RSP-04 the granted scope is what the server says: the same',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'scope > RSP-04 the granted scope is what the server says: narrower',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'scope > RSP-04 the granted scope is what the server says: broader',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'scope > RSP-04 the granted scope is what the server says: empty: nothing was granted',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'scope > RSP-04 the granted scope is what the server says: missing: as requested',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'scope > RSP-04 the granted scope is what the server says: null: as requested',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'scope > RSP-04 the granted scope is what the server says: of another type: as requested',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'other members > RSP-05 keeps unknown members readable, null and URI-named ones included, and apart from the tokens',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'other members > RSP-05 a refresh_token or id_token of no use (null) counts as absent',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'other members > RSP-05 a refresh_token or id_token of no use ("") counts as absent',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'other members > RSP-05 a refresh_token or id_token of no use (5) counts as absent',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'other members > RSP-05 a refresh_token or id_token of no use ({}) counts as absent',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'other members > SEC-09 a member named __proto__ stays a member and changes no prototype',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'other members > SEC-09 access_token and token_type are read from the body itself, not from a __proto__ in it',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'any JSON at all > RSP-05 SEC-09 is read, or refused by the one typed error, and no prototype changes',
    file: '/work/main/packages/core/test/oauth/token-response.test.ts',
  },
  {
    name: 'the lock of a session > is held by one at a time, and by the next one when that has done',
    file: '/work/main/packages/core/test/launch/session-lock.test.ts',
  },
  {
    name: 'the lock of a session > is of one session: others go on',
    file: '/work/main/packages/core/test/launch/session-lock.test.ts',
  },
  {
    name: 'the lock of a session > is kept by one who works for longer than its term',
    file: '/work/main/packages/core/test/launch/session-lock.test.ts',
  },
  {
    name: 'the lock of a session > of one who died is taken by whoever has seen no sign of life for a term, however long the store keeps it',
    file: '/work/main/packages/core/test/launch/session-lock.test.ts',
  },
  {
    name: 'the lock of a session > of one who died is taken by one of those who wait',
    file: '/work/main/packages/core/test/launch/session-lock.test.ts',
  },
  {
    name: 'the lock of a session > is not taken from whoever got it since by one who lost it',
    file: '/work/main/packages/core/test/launch/session-lock.test.ts',
  },
  {
    name: 'the lock of a session > is kept by its holder when the store was away for longer than a term',
    file: '/work/main/packages/core/test/launch/session-lock.test.ts',
  },
  {
    name: 'the lock of a session > is given back by one who was told too late that it had it',
    file: '/work/main/packages/core/test/launch/session-lock.test.ts',
  },
  {
    name: 'the lock of a session > of one who died is taken after its term, however long the store would keep it',
    file: '/work/main/packages/core/test/launch/session-lock.test.ts',
  },
  {
    name: 'the lock of a session > of one who died is taken by one of those who wait',
    file: '/work/main/packages/core/test/launch/session-lock.test.ts',
  },
  {
    name: 'the lock of a session > is not lost to others while the store is away for 8 seconds',
    file: '/work/main/packages/core/test/launch/session-lock.test.ts',
  },
  {
    name: 'the lock of a session > is not lost to others while the store is away for 20 seconds',
    file: '/work/main/packages/core/test/launch/session-lock.test.ts',
  },
  {
    name: 'the lock of a session > is not lost to others while the store is away for 40 seconds',
    file: '/work/main/packages/core/test/launch/session-lock.test.ts',
  },
  {
    name: 'the lock of a session > is given back by one who heard too late that it got it',
    file: '/work/main/packages/core/test/launch/session-lock.test.ts',
  },
  {
    name: 'the lock of a session > is given back as soon as the store is there again, where it was away at the end of the work',
    file: '/work/main/packages/core/test/launch/session-lock.test.ts',
  },
  {
    name: 'the lock of a session > is given back also where the work ends while a sign of life is under way',
    file: '/work/main/packages/core/test/launch/session-lock.test.ts',
  },
  {
    name: 'the lock of a session > is waited for as long as the work before may take, and a term; then it is an error',
    file: '/work/main/packages/core/test/launch/session-lock.test.ts',
  },
  {
    name: 'the lock of a session > is given back when the work fails, and passes its error on',
    file: '/work/main/packages/core/test/launch/session-lock.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/core/src/node-protocol.ts is refused: export { readFile } from 'node:fs'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/core/src/node-bare-name.ts is refused: export { readFile } from 'fs'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/core/src/node-dynamic.ts is refused: export const fs = await import('node:fs')",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/core/src/buffer.ts is refused: export const a = Buffer.from('a')",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: 'the linter keeps the direction of dependencies and the house rules > packages/core/src/process.ts is refused: export const a = process.env',
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/core/src/require.ts is refused: export const a = require('jose')",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: 'the linter keeps the direction of dependencies and the house rules > packages/core/src/dirname.ts is refused: export const a = __dirname',
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/core/src/framework.ts is refused: export { Router } from 'express'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/core/src/sandbox.ts is refused: export { createSandbox } from '@fhir-auth/sandbox'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/core/src/jose.ts is accepted: export { SignJWT } from 'jose'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/core/src/jose-subpath.ts is accepted: export { SignJWT } from 'jose/jwt/sign'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/core/src/oauth/up-to-launch.ts is refused: export * from './session.ts'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/core/src/oauth/up-to-backend.ts is refused: export * from '../backend/token-cache.ts'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/core/src/oauth/down.ts is accepted: export * from '../client/client-auth.ts'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/core/src/client/up.ts is refused: export * from '../oauth/grants.ts'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/core/src/discovery/up.ts is refused: export * from './session.ts'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/core/src/dialects/up.ts is refused: export * from '../backend/token-cache.ts'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/core/src/errors.ts is refused: export * from './oauth/grants.ts'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/core/src/launch/aside.ts is refused: export * from '../backend/token-cache.ts'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/core/src/launch/stores/aside.ts is refused: export * from '../../backend/token-cache.ts'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/core/src/backend/aside.ts is refused: export * from './session.ts'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/core/src/launch/down.ts is accepted: export * from '../oauth/grants.ts'; export * from './stores/memory-store.ts'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/express/src/sandbox.ts is refused: export { createSandbox } from '@fhir-auth/sandbox'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/express/src/other-adapter.ts is refused: export { requireFhir } from '@fhir-auth/fastify'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/express/src/deep.ts is refused: export { discover } from '@fhir-auth/core/src/discovery/discover.ts'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/express/src/sideways.ts is refused: export * from '../../core/src/index.ts'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/express/test/deep.ts is refused: export { discover } from '@fhir-auth/core/src/discovery/discover.ts'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/express/test/own-source.ts is accepted: export * from '../src/index.ts'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > apps/portal/src/deep.ts is refused: export { smartLaunch } from '@fhir-auth/express/src/smart-launch.ts'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/express/src/core.ts is accepted: export { discover } from '@fhir-auth/core'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/express/src/peer.ts is accepted: export type { Request } from 'express'",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: 'the linter keeps the direction of dependencies and the house rules > packages/express/src/floating-promise.ts is refused: export async function save(): Promise<void> {}; save()',
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: 'the linter keeps the direction of dependencies and the house rules > packages/express/src/any.ts is refused: export const f = (x: any): string => x',
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: 'the linter keeps the direction of dependencies and the house rules > packages/express/src/non-null.ts is refused: export const f = (x?: string): string => x!',
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: 'the linter keeps the direction of dependencies and the house rules > packages/express/test/non-null.ts is accepted: export const f = (x?: string): string => x!',
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/express/src/import-type.ts is refused: import { Request } from 'express'; export type R = Request",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/express/src/console.ts is refused: console.log('a')",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "the linter keeps the direction of dependencies and the house rules > packages/express/src/bin.ts is accepted: console.log('a')",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: 'the linter keeps the direction of dependencies and the house rules > packages/express/src/default-export.ts is refused: export default 1',
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: 'the linter keeps the direction of dependencies and the house rules > packages/express/src/camelCase.ts is refused: export const a = 1',
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: 'manifests > core depends on jose and nothing else',
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: 'manifests > all publishable packages carry one version',
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/cli' says what every package says",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/core' says what every package says",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/express' says what every package says",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/fastify' says what every package says",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/hono' says what every package says",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/nest' says what every package says",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/redis' says what every package says",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/sandbox' says what every package says",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/cli' exports sources to this workspace and dist to everyone else",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/core' exports sources to this workspace and dist to everyone else",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/express' exports sources to this workspace and dist to everyone else",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/fastify' exports sources to this workspace and dist to everyone else",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/hono' exports sources to this workspace and dist to everyone else",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/nest' exports sources to this workspace and dist to everyone else",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/redis' exports sources to this workspace and dist to everyone else",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/sandbox' exports sources to this workspace and dist to everyone else",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/cli' takes its siblings by the workspace protocol",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/core' takes its siblings by the workspace protocol",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/express' takes its siblings by the workspace protocol",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/fastify' takes its siblings by the workspace protocol",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/hono' takes its siblings by the workspace protocol",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/nest' takes its siblings by the workspace protocol",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/redis' takes its siblings by the workspace protocol",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "manifests > 'packages/sandbox' takes its siblings by the workspace protocol",
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: 'sources > no file has more than 200 lines of code',
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: 'sources > lines of code leave out blanks and comments',
    file: '/work/main/test/architecture.test.ts',
  },
  {
    name: "a reader finds the same things at the same place in every README > '@fhir-auth/cli' says first what it is for, then how to install it",
    file: '/work/main/test/readmes.test.ts',
  },
  {
    name: "a reader finds the same things at the same place in every README > '@fhir-auth/core' says first what it is for, then how to install it",
    file: '/work/main/test/readmes.test.ts',
  },
  {
    name: "a reader finds the same things at the same place in every README > '@fhir-auth/express' says first what it is for, then how to install it",
    file: '/work/main/test/readmes.test.ts',
  },
  {
    name: "a reader finds the same things at the same place in every README > '@fhir-auth/fastify' says first what it is for, then how to install it",
    file: '/work/main/test/readmes.test.ts',
  },
  {
    name: "a reader finds the same things at the same place in every README > '@fhir-auth/hono' says first what it is for, then how to install it",
    file: '/work/main/test/readmes.test.ts',
  },
  {
    name: "a reader finds the same things at the same place in every README > '@fhir-auth/nest' says first what it is for, then how to install it",
    file: '/work/main/test/readmes.test.ts',
  },
  {
    name: "a reader finds the same things at the same place in every README > '@fhir-auth/redis' says first what it is for, then how to install it",
    file: '/work/main/test/readmes.test.ts',
  },
  {
    name: "a reader finds the same things at the same place in every README > '@fhir-auth/sandbox' says first what it is for, then how to install it",
    file: '/work/main/test/readmes.test.ts',
  },
  {
    name: "a reader finds the same things at the same place in every README > '@fhir-auth/cli' shows a complete example next, and ends with security and versions",
    file: '/work/main/test/readmes.test.ts',
  },
  {
    name: "a reader finds the same things at the same place in every README > '@fhir-auth/core' shows a complete example next, and ends with security and versions",
    file: '/work/main/test/readmes.test.ts',
  },
  {
    name: "a reader finds the same things at the same place in every README > '@fhir-auth/express' shows a complete example next, and ends with security and versions",
    file: '/work/main/test/readmes.test.ts',
  },
  {
    name: "a reader finds the same things at the same place in every README > '@fhir-auth/fastify' shows a complete example next, and ends with security and versions",
    file: '/work/main/test/readmes.test.ts',
  },
  {
    name: "a reader finds the same things at the same place in every README > '@fhir-auth/hono' shows a complete example next, and ends with security and versions",
    file: '/work/main/test/readmes.test.ts',
  },
  {
    name: "a reader finds the same things at the same place in every README > '@fhir-auth/nest' shows a complete example next, and ends with security and versions",
    file: '/work/main/test/readmes.test.ts',
  },
  {
    name: "a reader finds the same things at the same place in every README > '@fhir-auth/redis' shows a complete example next, and ends with security and versions",
    file: '/work/main/test/readmes.test.ts',
  },
  {
    name: "a reader finds the same things at the same place in every README > '@fhir-auth/sandbox' shows a complete example next, and ends with security and versions",
    file: '/work/main/test/readmes.test.ts',
  },
  {
    name: "a reader finds the same things at the same place in every README > '@fhir-auth/express' has the headings of an adapter",
    file: '/work/main/test/readmes.test.ts',
  },
  {
    name: "a reader finds the same things at the same place in every README > '@fhir-auth/fastify' has the headings of an adapter",
    file: '/work/main/test/readmes.test.ts',
  },
  {
    name: "a reader finds the same things at the same place in every README > '@fhir-auth/hono' has the headings of an adapter",
    file: '/work/main/test/readmes.test.ts',
  },
  {
    name: "a reader finds the same things at the same place in every README > '@fhir-auth/nest' has the headings of an adapter",
    file: '/work/main/test/readmes.test.ts',
  },
  {
    name: 'a reader finds the same things at the same place in every README > a line that begins like a heading inside a block of code is none',
    file: '/work/main/test/readmes.test.ts',
  },
  {
    name: 'the help > lists every command and every exit code, with an example',
    file: '/work/main/packages/cli/test/command.test.ts',
  },
  {
    name: 'the help > of keygen: its options, and one example',
    file: '/work/main/packages/cli/test/command.test.ts',
  },
  {
    name: 'the help > of jwks: its options, and one example',
    file: '/work/main/packages/cli/test/command.test.ts',
  },
  {
    name: 'the help > of discover: its options, and one example',
    file: '/work/main/packages/cli/test/command.test.ts',
  },
  {
    name: 'the help > of token: its options, and one example',
    file: '/work/main/packages/cli/test/command.test.ts',
  },
  {
    name: 'the help > of doctor: its options, and one example',
    file: '/work/main/packages/cli/test/command.test.ts',
  },
  {
    name: 'the help > of sandbox: its options, and one example',
    file: '/work/main/packages/cli/test/command.test.ts',
  },
  {
    name: 'the help > no command, or one that does not exist, is wrong usage',
    file: '/work/main/packages/cli/test/command.test.ts',
  },
  {
    name: 'the help > the README names every option and exit code',
    file: '/work/main/packages/cli/test/command.test.ts',
  },
  {
    name: 'the help > --version is that of the package',
    file: '/work/main/packages/cli/test/command.test.ts',
  },
  {
    name: 'a fault of the command itself is told from everything else by its exit code',
    file: '/work/main/packages/cli/test/command.test.ts',
  },
  {
    name: 'through a pipe > from a first key to a read: no colour, no spinner, no secret',
    file: '/work/main/packages/cli/test/command.test.ts',
  },
  {
    name: 'through a pipe > a reader that goes away early is no fault',
    file: '/work/main/packages/cli/test/command.test.ts',
  },
  {
    name: 'sandbox > starts, says where it is, and ends with an interrupt',
    file: '/work/main/packages/cli/test/command.test.ts',
  },
  {
    name: 'sandbox > an option that it does not know',
    file: '/work/main/packages/cli/test/command.test.ts',
  },
  {
    name: 'on a terminal (needs the command script, or python3) > colours by meaning, a spinner on slow steps, and the same exit codes',
    file: '/work/main/packages/cli/test/command.test.ts',
  },
  {
    name: 'on a terminal (needs the command script, or python3) > NO_COLOR: no colours; an empty one means nothing',
    file: '/work/main/packages/cli/test/command.test.ts',
  },
  {
    name: 'on a terminal (needs the command script, or python3) > a dumb terminal gets plain text',
    file: '/work/main/packages/cli/test/command.test.ts',
  },
  {
    name: 'on a terminal (needs the command script, or python3) > --json is JSON and nothing else',
    file: '/work/main/packages/cli/test/command.test.ts',
  },
  {
    name: 'on a terminal (needs the command script, or python3) > an error is red',
    file: '/work/main/packages/cli/test/command.test.ts',
  },
  {
    name: 'the script may be run as it is',
    file: '/work/main/packages/cli/test/command.test.ts',
  },
  {
    name: 'a request with a live session > makes no promise, no cryptography and no object of the platform, with sessions in memory',
    file: '/work/main/packages/core/test/hot-path.test.ts',
  },
  {
    name: 'a request with a live session > looks at the clock no more than twice',
    file: '/work/main/packages/core/test/hot-path.test.ts',
  },
  {
    name: 'a request with a live session > is one round trip with a shared store, and no cryptography while the session is unchanged',
    file: '/work/main/packages/core/test/hot-path.test.ts',
  },
  {
    name: 'a request without a session > makes nothing: no cookie',
    file: '/work/main/packages/core/test/hot-path.test.ts',
  },
  {
    name: 'a request without a session > makes nothing: other cookies',
    file: '/work/main/packages/core/test/hot-path.test.ts',
  },
  {
    name: 'a request without a session > makes nothing: a session that is not known',
    file: '/work/main/packages/core/test/hot-path.test.ts',
  },
  {
    name: 'a backend token > is read with no promise, no cryptography and no request while it is cached',
    file: '/work/main/packages/core/test/hot-path.test.ts',
  },
  {
    name: 'a backend token > takes one discovery and one token request for ten thousand callers at once',
    file: '/work/main/packages/core/test/hot-path.test.ts',
  },
  {
    name: 'backend tokens of 8 processes on one Redis > cold start with 1,000 callers each: one token request',
    file: '/work/main/packages/redis/test/shared-tokens.test.ts',
  },
  {
    name: 'backend tokens of 8 processes on one Redis > then one renewal per period: each process uses each token that was issued, in that order',
    file: '/work/main/packages/redis/test/shared-tokens.test.ts',
  },
  {
    name: 'backend tokens of 8 processes on one Redis > where Redis hangs, each process asks for itself, and all callers are served',
    file: '/work/main/packages/redis/test/shared-tokens.test.ts',
  },
  {
    name: 'backend tokens of 8 processes on one Redis > where Redis is down, each process asks for itself, and all callers are served',
    file: '/work/main/packages/redis/test/shared-tokens.test.ts',
  },
  {
    name: 'FHIR API and authorization server are two hosts, and each is the root of its own',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'the callback carries code, state, scope and session_state',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'PKCE and aud are not required at the authorization endpoint',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses a code exchange without grant_type',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses a code exchange without redirect_uri',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses a code exchange without client_id',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses a code exchange without audience',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses a code exchange without code_verifier',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses a code exchange without code',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses a code exchange with another audience',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses a code exchange with an audience with a slash',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses a code exchange with a state',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses a code exchange with the secret in the body',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses a code exchange with another client_id in the body',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses a code exchange with no Authorization header',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses a code exchange with a Bearer header',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses a code exchange with an encoded secret',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses a refresh without client_id',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses a refresh with audience',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'a job gets a token for as many minutes as its assertion asks',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses an assertion with no jwks_url',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses an assertion with another jwks_url',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses an assertion with no accessTokensExpireIn',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses an assertion with accessTokensExpireIn as text',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses an assertion with accessTokensExpireIn of 0',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses an assertion with accessTokensExpireIn of 1.5',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses an assertion with no iat',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses an assertion with an old iat',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses an assertion with another sub',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses an assertion with no aud',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses an assertion with no exp',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses an assertion with no jti',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses an assertion header with another typ',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses an assertion header with a jku',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses an assertion header with no kid',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'refuses client_credentials with other body members, a header, or a used jti',
    file: '/work/main/packages/sandbox/test/intelichart.test.ts',
  },
  {
    name: 'with the sandbox, over real HTTP > BSV-01 BSV-02 JWT-02 JWKS-01 an RS384 assertion is accepted by way of the JWKS URL, and by node:crypto',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'with the sandbox, over real HTTP > BSV-01 BSV-02 JWT-02 JWKS-01 an ES384 assertion is accepted by way of the JWKS URL, and by node:crypto',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'with the sandbox, over real HTTP > BSV-02 the token endpoint comes from smart-configuration',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'with the sandbox, over real HTTP > BSV-01 InteliChart accepts exactly what its dialect sends',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'with the sandbox, over real HTTP > BSV-09 when the FHIR server refuses the token, one new one is fetched and the request replayed',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'with the sandbox, over real HTTP > BSV-10 a narrower grant shows in the scope of the context',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'with the sandbox, over real HTTP > JWKS-02 JWKS-03 JWKS-04 anybody gets the key set, as JSON, with a time to keep it',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'the JWKS route > JWKS-02 can be elsewhere, or nowhere',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'the JWKS route > JWKS-03 its max-age can be set to suit the rotation',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'the JWKS route > JWKS-01 the same set can be handed over inline',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'one token for all > BSV-08 DISC-13 a thousand callers with nothing cached make one discovery and one token request',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'one token for all > BSV-08 when the token is about to expire, a thousand callers are served while one renewal is made',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'one token for all > BSV-08 the scope tells tokens apart, its order does not',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'one token for all > BSV-08 a context is one object for as long as its token is',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'lifetimes > BSV-05 BSV-06 expires_in that is missing (undefined): the token counts for 300 s, and is not asked for again at once',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'lifetimes > BSV-05 BSV-06 expires_in that is a text (300): the token counts for 300 s, and is not asked for again at once',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'lifetimes > BSV-05 BSV-06 expires_in that is zero (0): the token counts for 300 s, and is not asked for again at once',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'lifetimes > BSV-05 BSV-06 expires_in that is negative (-1): the token counts for 300 s, and is not asked for again at once',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'lifetimes > BSV-05 BSV-06 expires_in that is absurd (1000000000000): the token counts for 31536000 s, and is not asked for again at once',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'lifetimes > BSV-05 BSV-06 expires_in that is that of an hour (3600): the token counts for 3600 s, and is not asked for again at once',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'lifetimes > BSV-05 BSV-06 expires_in that is one of 570 s (570): the token counts for 570 s, and is not asked for again at once',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'lifetimes > BSV-05 BSV-06 expires_in that is one of 30 s (30): the token counts for 30 s, and is not asked for again at once',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'lifetimes > BSV-05 BSV-06 expires_in that is one of 5 s (5): the token counts for 5 s, and is not asked for again at once',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'lifetimes > BSV-05 a missing scope stands for the one asked for',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'lifetimes > BSV-07 a refresh token is ignored: the next token is a new grant',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'when the token endpoint fails > BSV-03 JWT-10 each try has a new assertion with a new jti: two tokens and a try that failed',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'when the token endpoint fails > BSV-11 a token that is still valid keeps serving, and many callers make one try',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'when the token endpoint fails > BSV-11 Retry-After of a 429 is honoured, and told to the caller',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'when the token endpoint fails > BSV-11 Retry-After of a 503 is honoured, and told to the caller',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'when the token endpoint fails > BSV-12 a refused assertion is known by its error, with status 400 too',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'when the token endpoint fails > BSV-12 a refused assertion is known by its error, with status 401 too',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'when the token endpoint fails > BSV-02 a server without a token endpoint is a failed discovery, remembered briefly',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'when the token endpoint fails > contextFor rejects, and never throws',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'scopes > BSV-01 a scope that is undefined is refused at construction',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'scopes > BSV-01 a scope that is "" is refused at construction',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'scopes > BSV-01 a scope that is "  " is refused at construction',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'scopes > BSV-01 an empty scope for one use is refused, and nothing sent',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'scopes > BSV-04 scopes of a user or patient are passed on: the server decides',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'withScope > BSV-08 gives a backend of the same keys and tokens, with other scopes, that can be mounted as well',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'withScope > JWKS-02 leaves the JWKS where it is, so that no path is there twice',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'withScope > BSV-01 refuses an empty scope',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'BSV-08 a renewal in the background is handed to a runtime that ends with the answer',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'AUTH-J1 when the server says invalid_client, the key that signed for it is named, not another of the set',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'the FHIR server > BSV-09 a second 401 is given to the caller: no loop',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'the FHIR server > BSV-09 when it refuses every token, a hundred calls cost two tokens, and each gets its 401',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'the FHIR server > BSV-09 a 403 is given to the caller, with no new token',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'the FHIR server > BSV-09 fifty requests refused at once get one new token between them',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'the FHIR server > BSV-09 a text body is replayed, a stream is not',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'two registrations > BSV-08 with keys and servers of their own never mix',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'two registrations > BSV-08 a request must say which one it means',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'two registrations > BSV-08 they may come from a function, which is asked for each use; the token is shared all the same',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'JWT-08 with the issuer as audience, discovery finds it, even where the token endpoint is configured',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'JWT-14 a machine whose clock is ten minutes slow is put right by `now`',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'options are checked at construction: {}',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'options are checked at construction: {"keys":{}}',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'options are checked at construction: {"jwksPath":"keys.json"}',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'options are checked at construction: {"jwksPath":"//evil"}',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'options are checked at construction: {"jwksMaxAgeSeconds":0}',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'options are checked at construction: {"sharedTokens":{"store":{},"secret":"x"}}',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'options are checked at construction: {"sharedTokens":{"store":{"values":{},"calls":[]}}}',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'options are checked at construction: {"sharedTokens":{"store":{"values":{},"calls":[]},"secret":"short"}}',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'options are checked at construction: {"sharedTokens":{"stores":{"values":{},"calls":[]}}}',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'options are checked at construction: {"timeoutSeconds":null}',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'options are checked at construction: {"redirectUri":"https://x"}',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'options are checked at construction: {"scopes":"x"}',
    file: '/work/main/packages/core/test/backend/backend-services.test.ts',
  },
  {
    name: 'both discovery documents agree and name every endpoint',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'smart-configuration can be left out',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'a person signs in, picks a patient and consents; the app gets tokens and context',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'two people have two subjects',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'two sign-ins in one browser do not mix',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'a person may refuse',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: "consent 'auto' shows no page and needs no cookie",
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'refuses an authorization request with aud of another server',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'refuses an authorization request with aud with a trailing slash',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'refuses an authorization request with no aud',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'refuses an authorization request with no PKCE',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'refuses an authorization request with PKCE plain',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'refuses an authorization request with an unknown launch',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'refuses an authorization request with launch without its scope',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'refuses an authorization request with nothing that can be granted',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'an unregistered redirect_uri gets a page, not a redirect',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'the authorization request may be posted',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'a client limited to patient/*.rs that asks for patient/Observation.rs patient/Patient.r gets patient/Observation.rs patient/Patient.r',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'a client limited to patient/Observation.rs that asks for patient/*.rs gets patient/Observation.rs',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'a client limited to patient/Observation.r that asks for patient/Observation.cruds gets patient/Observation.r',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'a client limited to patient/*.read that asks for patient/Observation.rs gets patient/Observation.rs',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'a client limited to patient/*.rs that asks for patient/Observation.* gets patient/Observation.read',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'a client limited to patient/Observation.rs?category=a|b that asks for patient/Observation.rs gets patient/Observation.rs?category=a|b',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'a client limited to patient/*.rs that asks for patient/Observation.rs?category=a|b gets patient/Observation.rs?category=a|b',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'a client limited to launch/patient patient/*.rs that asks for launch/patient openid patient/*.rs gets launch/patient patient/*.rs',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'what a person unticks is not granted',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'a code works once',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'a code and an access token end by the clock',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'a wrong secret and a wrong verifier are refused',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'the secret may come raw, form-encoded, or in the body',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'refresh tokens rotate; using one twice ends the session and is counted',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'without rotation a refresh token stays',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'online_access brings a refresh token, no access scope brings none',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'a public client sends its client_id and nothing else',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'an asymmetric app signs at code exchange and at refresh',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'the EHR hands over patient, encounter and display hints, once',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'the EHR page opens an app in a frame or in a tab',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'revocation and revokeAll end a session; introspection says so',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'rotateSigningKeys publishes a new key, drops the old one and keeps sessions',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'every request is recorded as it came',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: 'options that make no sense are refused',
    file: '/work/main/packages/sandbox/test/smart.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'README.md:17'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'README.md:43'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'docs/adapters.md:22'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'docs/adapters.md:67'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'docs/adapters.md:88'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'docs/adapters.md:109'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'docs/adapters.md:146'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'docs/dialects.md:11'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'docs/dialects.md:59'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'docs/dialects.md:70'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'docs/dialects.md:100'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'docs/ehr-frames.md:9'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'docs/ehr-frames.md:114'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'docs/intelichart.md:27'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'docs/intelichart.md:61'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'docs/intelichart.md:162'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'docs/intelichart.md:170'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'docs/keys.md:24'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'docs/keys.md:119'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'docs/keys.md:145'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'docs/keys.md:193'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'docs/session-stores.md:43'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'docs/session-stores.md:81'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'docs/session-stores.md:124'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'packages/conformance/README.md:11'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'packages/core/README.md:18'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'packages/core/README.md:44'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'packages/express/README.md:18'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'packages/express/README.md:46'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'packages/express/README.md:73'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'packages/express/README.md:114'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'packages/fastify/README.md:18'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'packages/fastify/README.md:46'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'packages/fastify/README.md:70'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'packages/hono/README.md:17'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'packages/hono/README.md:45'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'packages/hono/README.md:96'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'packages/nest/README.md:18'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'packages/nest/README.md:57'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'packages/nest/README.md:109'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'packages/redis/README.md:16'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'packages/redis/README.md:53'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'packages/redis/README.md:73'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'packages/redis/README.md:88'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'packages/redis/src/redis-store.ts:17'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'packages/sandbox/README.md:16'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: "every TypeScript block in a page or a doc comment compiles > 'packages/sandbox/README.md:96'",
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: 'every TypeScript block in a page or a doc comment compiles > against sources that compile',
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: 'a block is found and judged > an error is reported at its own line, and a continued block sees the names of the one before',
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: 'a block is found and judged > a doc comment is searched, code is not',
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: 'a block is found and judged > no-check wants its reason',
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: 'a block is found and judged > a block that is left open or continues nothing is refused',
    file: '/work/main/test/snippets.test.ts',
  },
  {
    name: 'core on node:http > standalone launch > AUTHZ-01 AUTHZ-02 AUTHZ-03 AUTHZ-04 login goes to the authorization endpoint with all that it needs',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > standalone launch > TOK-02 PKCE-02 PKCE-05 the code is exchanged once, with the verifier of its challenge and the client secret',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > standalone launch > RSP-06 IDT-06 the handler finds the patient and the person who logged in',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > standalone launch > RSP-11 fhir.fetch reads with the token in the Authorization header, and in no URL',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > standalone launch > CB-09 a person without a login gets to the page that was asked for, on a clean URL',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > standalone launch > CB-07 after login the browser goes to a path of this app, whatever returnTo says',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > EHR launch > EHR-02 the launch handle goes back to the EHR as it came, with the FHIR base URL as aud',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > EHR launch > EHR-02 RSP-06 RSP-07 the handler finds patient, encounter, intent, banner and user of the EHR',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > EHR launch > EHR-06 an EHR launch ends on a page that names its launch',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > EHR launch > EHR-01 a launch without iss or without launch is refused, and causes no request',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > EHR launch > EHR-03 SEC-08 an iss that is not registered is refused before any request goes out',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > EHR launch > EHR-04 no cache keeps what a launch is answered with, and no referrer tells of it',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > callback > CB-09 a good callback sets the session and redirects to a clean URL, unstored and without referrer',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > callback > CB-04 parameters that are not known are ignored',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > callback > STATE-02 PKCE-06 a state that is altered or missing is refused, and the code is not sent',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > callback > STATE-02 PKCE-03 a callback in another browser is refused, and the code is not sent',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > callback > STATE-03 TOK-06 a callback that is opened again is refused, and its code is not sent again',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > callback > STATE-03 of two callbacks at once, one exchanges the code',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > callback > STATE-04 a login that took too long is refused, and says so',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > callback > STATE-05 what is kept with the state cannot be changed or swapped by the browser',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > callback > CB-02 SEC-05 an iss of another server, or a missing one, is refused, and the code is not sent',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > callback > CB-05 a parameter that stands twice is refused, and the code is not sent',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > authorization errors > CB-06 ERR-04 a refusal by the person is told by its name',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > authorization errors > CB-06 SEC-02 ERR-07 an error is shown escaped, its link only when it is http',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > authorization errors > CB-06 an error with a wrong state is not shown',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > authorization errors > ERR-01 TOK-06 a code that the server refuses logs nobody in, and is not tried again',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > authorization errors > NONCE-01 IDT-01 an id_token with another nonce logs nobody in',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > authorization errors > a callback that failed offers a person to log in again',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > two tabs > EHR-06 two logins at once in one browser both complete, each with its own patient',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > two tabs > with two launches open, a request that names one in query or header gets that patient',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > two tabs > with two launches open, a link or a script of a page belongs to the launch of that page',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > two tabs > EHR-06 with two launches open, a page reached by a plain link gets its launch into its own address',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > two tabs > with two launches open, a request that names none is refused and not guessed',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > two tabs > a launch id of nobody, or of another browser, opens nothing',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > session cookie > SEC-03 an app on https sets cookies for its host alone, unseen by scripts, and opaque',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > session cookie > EHR-07 an app in a frame of the EHR sets cookies that are SameSite=None, Secure and Partitioned',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > session cookie > SEC-03 each cookie is a header of its own, and the one of the login goes when it is done',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > session cookie > SEC-04 the session id changes at login, and the old one opens nothing',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > session cookie > SEC-04 a session id that was planted in the browser is not taken up by a login',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > session cookie > SEC-03 a cookie that was made up opens nothing',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > session cookie > a request with a live session asks nobody and sets no cookie',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > session cookie > a session ends after its lifetime',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > guard > a program without a login gets 401 as problem+json',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > guard > a browser that opens a page without a login is sent to log in, and comes back to that page',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > guard > a script that asks for HTML is refused with 401, since a redirect would lead it nowhere',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > guard > a route without a guard is open, and has no context without a login',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > guard > SCP-04 a scope within what was granted passes',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > guard > SCP-10 ERR-05 a scope that was not granted is 403, named, and nothing is renewed or retried',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > guard > RSP-12 a context that the login did not bring is 403',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > guard > SEC-02 a person is refused by a page: not stored, and without script',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > guard > RSP-10 the token goes to no other server, and the handler is told so',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > guard > login, launch and callback take GET, logout takes POST',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > refresh > RFR-01 RFR-04 a token is renewed before it expires, once however many requests come, and nobody waits for it',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > refresh > RFR-04 requests with an expired token wait for one refresh, and all go on with the new token',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > refresh > RFR-03 a rotated refresh token replaces the old one, and none is used twice',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > refresh > RFR-06 patient, user and launch stay what they were',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > refresh > RFR-07 a refresh token that the server refuses ends the session',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > refresh > RFR-07 while the authorization server is down, a token that still lives serves on',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > refresh > RFR-07 while the authorization server is down, an expired token is 503 with Retry-After, and the session stays',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > refresh > ERR-05 a token that the FHIR server refuses is renewed once, and the request sent again',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > refresh > ERR-05 a 403 of the FHIR server is handed on, and nothing is renewed',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > refresh > without a refresh token the session ends with its token',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > logout > REV-01 logout ends the session here, revokes at the server and goes to its page',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > logout > logout from another origin is refused, and the session stays',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > logout > logout from a page of the app that hides its origin passes, since the browser vouches for it',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > logout > REV-03 a server that cannot be reached does not keep a person logged in',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > logout > logout without a session is no error',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > logout > logout ends one browser, and no other',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > backend > JWKS-02 JWKS-03 JWKS-04 JWKS-05 the public keys are served to anyone as plain JSON that may be cached',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > backend > JWKS-02 the JWKS takes no other method than GET',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > backend > BSV-01 JWT-05 JWT-06 a handler has the token of the app itself, got with an assertion that the JWKS verifies',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > backend > RSP-11 fhir.fetch of a job reads with its token',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > backend > BSV-08 however many requests wait for the token, it is asked for once',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > backend > BSV-09 a token that the FHIR server refuses is replaced once, and the request sent again',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > backend > ERR-01 BSV-12 a token that cannot be had stops guarded routes alone, and says why',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > backend > BSV-08 a token that still lives serves on while its server is down, even when a new one is due',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > backend > a backend token never replaces a person: who is not logged in gets no token of the system',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > backend > a backend token never replaces a person: who is logged in keeps their own context',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > backend > a backend token never replaces a person, also where backendServices() is mounted first',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > mounting > CB-09 an app below a path logs in there, and comes back to the page that was asked for',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > mounting > EHR-02 an app below a path is launched there by the EHR',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > mounting > an app below a path logs out there',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > mounting > JWKS-02 an app below a path serves its JWKS there, and gets its token',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > mounting > an app below a path answers nothing outside it',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > mounting > behind a proxy that strips a prefix, the browser is sent to where the proxy is',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > error path > a refused guard goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > error path > a refused callback goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > error path > a token that cannot be had goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > error path > what is no problem is answered as ever, where problems are forwarded',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > error path > problems are answered by the adapter, whatever error handler the app has',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > error path > the failure of a handler goes to the error handler of the app',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > error path > an error that nobody foresaw goes to the error handler of the app, from a guarded route alone',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > error path > an error that nobody foresaw goes to the error handler of the app, from the callback',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > error path > a session store that fails is 503 for guarded routes, without a word of its reason',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > isolation > SEC-07 requests of several people that are served at the same time each keep their own patient and token',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > isolation > SEC-07 a request without a login gets nothing of one that is served at the same time',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > isolation > SEC-07 logins of several people at the same time each end with their own patient',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > forwarded headers > AUTHZ-03 the redirect URI comes from the configuration, whatever host the request names',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > forwarded headers > CB-07 no redirect of the app leads to the host that a request names',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > forwarded headers > SEC-03 whether cookies are Secure is decided by the configuration, whatever scheme the request names',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > forwarded headers > the origin of a logout is compared with the configuration, whatever host the request names',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'core on node:http > skips 0 cases',
    file: '/work/main/packages/conformance/test/conformance.test.ts',
  },
  {
    name: 'everything is right > six green checks, in the order of need, and exit code 0',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'everything is right > as text, a line for each, and a verdict',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'everything is right > neither the token nor a key nor a patient is shown',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'everything is right > InteliChart',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'everything is right > keys under rotation: each with its state, and the active one signs',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'everything is right > a client with a secret has no keys to check',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'what is wrong is red or amber, and the rest is checked as far as it goes > no file',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'what is wrong is red or amber, and the rest is checked as far as it goes > no JSON',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'what is wrong is red or amber, and the rest is checked as far as it goes > a setting is missing',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'what is wrong is red or amber, and the rest is checked as far as it goes > keys that cannot be used: hosting and token are not judged by them, discovery is',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'what is wrong is red or amber, and the rest is checked as far as it goes > keys that cannot be used do not hide what else is missing',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'what is wrong is red or amber, and the rest is checked as far as it goes > neither keys nor a secret',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'what is wrong is red or amber, and the rest is checked as far as it goes > a key file that others may read',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'what is wrong is red or amber, and the rest is checked as far as it goes > the hosted set is another one',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'what is wrong is red or amber, and the rest is checked as far as it goes > the JWKS URL is not known',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'what is wrong is red or amber, and the rest is checked as far as it goes > discovery fails',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'what is wrong is red or amber, and the rest is checked as far as it goes > a login’s matters are none of a system’s',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'what is wrong is red or amber, and the rest is checked as far as it goes > the FHIR API answers 401',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'what is wrong is red or amber, and the rest is checked as far as it goes > the FHIR API answers 403',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'what is wrong is red or amber, and the rest is checked as far as it goes > the FHIR API answers 400',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'what is wrong is red or amber, and the rest is checked as far as it goes > the FHIR API answers 503',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'what is wrong is red or amber, and the rest is checked as far as it goes > the FHIR API has the fault html',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'what is wrong is red or amber, and the rest is checked as far as it goes > the FHIR API has the fault reset',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'what is wrong is red or amber, and the rest is checked as far as it goes > less scope than asked for',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'the read that is tried > system/Patient.rs: Patient?_count=1',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'the read that is tried > system/*.read: Patient?_count=1',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'the read that is tried > openid system/Group.r system/Observation.s: Observation?_count=1',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'the read that is tried > system/Observation.rs?category=laboratory: Observation?category=laboratory&_count=1',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'the read that is tried > system/Patient.r: metadata',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'the read that is tried > system/Patient.c: metadata',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'the read that is tried > the configuration may name it',
    file: '/work/main/packages/cli/test/doctor.test.ts',
  },
  {
    name: 'BSV-08 eight processes, cold, with a thousand callers each, make one token request',
    file: '/work/main/packages/core/test/backend/shared-tokens.test.ts',
  },
  {
    name: 'BSV-08 then they make one renewal per period, in the background',
    file: '/work/main/packages/core/test/backend/shared-tokens.test.ts',
  },
  {
    name: 'BSV-08 a process that starts later takes the token that is there',
    file: '/work/main/packages/core/test/backend/shared-tokens.test.ts',
  },
  {
    name: 'BSV-08 a token that another process got between the look and the lock is taken',
    file: '/work/main/packages/core/test/backend/shared-tokens.test.ts',
  },
  {
    name: 'BSV-09 a refused token is replaced once for all, and never taken from the store again',
    file: '/work/main/packages/core/test/backend/shared-tokens.test.ts',
  },
  {
    name: 'BSV-08 tokens of other scopes, clients and servers never mix',
    file: '/work/main/packages/core/test/backend/shared-tokens.test.ts',
  },
  {
    name: 'the store > BSV-08 learns no token, server, client or scope, and a value copied to another name does not count',
    file: '/work/main/packages/core/test/backend/shared-tokens.test.ts',
  },
  {
    name: 'the store > BSV-08 sealed with another secret is of no use, and does no harm',
    file: '/work/main/packages/core/test/backend/shared-tokens.test.ts',
  },
  {
    name: 'the store > BSV-08 that fails costs the sharing, not the tokens',
    file: '/work/main/packages/core/test/backend/shared-tokens.test.ts',
  },
  {
    name: 'the store > BSV-08 that hangs holds nobody up for longer than the time limit',
    file: '/work/main/packages/core/test/backend/shared-tokens.test.ts',
  },
  {
    name: 'the store > BSV-08 whose lock is held by a process that died holds nobody up for longer than the time limit',
    file: '/work/main/packages/core/test/backend/shared-tokens.test.ts',
  },
  {
    name: 'the store > BSV-11 when the request fails the lock is given back, and the next one is made',
    file: '/work/main/packages/core/test/backend/shared-tokens.test.ts',
  },
  {
    name: 'the store > may be one for sessions',
    file: '/work/main/packages/core/test/backend/shared-tokens.test.ts',
  },
  {
    name: 'status: the given answer, for so many requests',
    file: '/work/main/packages/sandbox/test/faults.test.ts',
  },
  {
    name: 'a fault stays until it is cleared',
    file: '/work/main/packages/sandbox/test/faults.test.ts',
  },
  {
    name: 'openid-configuration is /.well-known/openid-configuration, and nothing else',
    file: '/work/main/packages/sandbox/test/faults.test.ts',
  },
  {
    name: 'metadata is /fhir/metadata, and nothing else',
    file: '/work/main/packages/sandbox/test/faults.test.ts',
  },
  {
    name: 'jwks is /jwks, and nothing else',
    file: '/work/main/packages/sandbox/test/faults.test.ts',
  },
  {
    name: 'authorize is /authorize, and nothing else',
    file: '/work/main/packages/sandbox/test/faults.test.ts',
  },
  {
    name: 'token is /token, and nothing else',
    file: '/work/main/packages/sandbox/test/faults.test.ts',
  },
  {
    name: 'revocation is /revoke, and nothing else',
    file: '/work/main/packages/sandbox/test/faults.test.ts',
  },
  {
    name: 'introspection is /introspect, and nothing else',
    file: '/work/main/packages/sandbox/test/faults.test.ts',
  },
  {
    name: 'fhir is /fhir/Patient/1, and nothing else',
    file: '/work/main/packages/sandbox/test/faults.test.ts',
  },
  {
    name: 'slow: the answer comes, later',
    file: '/work/main/packages/sandbox/test/faults.test.ts',
  },
  {
    name: 'slow does not hold up close',
    file: '/work/main/packages/sandbox/test/faults.test.ts',
  },
  {
    name: 'reset: the connection is cut',
    file: '/work/main/packages/sandbox/test/faults.test.ts',
  },
  {
    name: 'html: a page with status 200',
    file: '/work/main/packages/sandbox/test/faults.test.ts',
  },
  {
    name: 'redirect: to somewhere else',
    file: '/work/main/packages/sandbox/test/faults.test.ts',
  },
  {
    name: 'endless: a body without an end',
    file: '/work/main/packages/sandbox/test/faults.test.ts',
  },
  {
    name: 'json: members changed, added or removed, on both hosts',
    file: '/work/main/packages/sandbox/test/faults.test.ts',
  },
  {
    name: 'json at token: an id_token signed anew, with the current key, an unknown one, or none',
    file: '/work/main/packages/sandbox/test/faults.test.ts',
  },
  {
    name: 'callback: the parameters that come back to the app are changed',
    file: '/work/main/packages/sandbox/test/faults.test.ts',
  },
  {
    name: 'kinds and places must fit',
    file: '/work/main/packages/sandbox/test/faults.test.ts',
  },
  {
    name: 'the portal > shows a patient their own record after login',
    file: '/work/main/apps/express-portal/test/portal.test.ts',
  },
  {
    name: 'the portal > answers an API call without a session with a problem',
    file: '/work/main/apps/express-portal/test/portal.test.ts',
  },
  {
    name: 'the portal > gives vital signs as JSON, oldest first',
    file: '/work/main/apps/express-portal/test/portal.test.ts',
  },
  {
    name: 'the portal > says so, in a page, when the patient denies',
    file: '/work/main/apps/express-portal/test/portal.test.ts',
  },
  {
    name: 'the portal in Chromium > logs in, shows the chart, and logs out',
    file: '/work/main/apps/express-portal/test/portal.test.ts',
  },
  {
    name: 'Retry-After > BSV-11 "30" is 30',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'Retry-After > BSV-11 "0" is 0',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'Retry-After > BSV-11 "Thu, 01 Jan 2026 00:01:30 GMT" is 90',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'Retry-After > BSV-11 "Wed, 31 Dec 2025 23:58:30 GMT" is 0',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'Retry-After > BSV-11 "soon" is undefined',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'Retry-After > BSV-11 "" is undefined',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'Retry-After > BSV-11 undefined is undefined',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'Retry-After > BSV-11 whatever it says, the result is no time, or a whole number of seconds',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'Cache-Control > DISC-13 "max-age=600" is 600',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'Cache-Control > DISC-13 "public, Max-Age = \\"60\\"" is 60',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'Cache-Control > DISC-13 "max-age=0" is 0',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'Cache-Control > DISC-13 "no-store" is 0',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'Cache-Control > DISC-13 "NO-CACHE, max-age=600" is 0',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'Cache-Control > DISC-13 "s-maxage=10" is undefined',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'Cache-Control > DISC-13 "max-age=-5" is undefined',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'Cache-Control > DISC-13 "max-age=soon" is undefined',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'Cache-Control > DISC-13 "private" is undefined',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'Cache-Control > DISC-13 undefined is undefined',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'Cache-Control > DISC-13 whatever it says, the result is no time, or a whole number of seconds',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'URLs > DISC-14 https, or http on this machine, and nothing else',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'URLs > DISC-14 http://localhost.example.com is refused',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'URLs > DISC-14 http://127.0.0.1.example.com is refused',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'URLs > DISC-14 http://127.0.0.256 is refused',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'URLs > DISC-14 http://10.0.0.1 is refused',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'URLs > DISC-14 http://0.0.0.0 is refused',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'URLs > DISC-14 http://[::2] is refused',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'URLs > DISC-14 //ehr.example.com is refused',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'URLs > DISC-14 file:///etc/passwd is refused',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'URLs > are shown without query, fragment and credentials, on one line, shortened',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'time limits > TOK-09 a limit of 1.001 s works',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'time limits > TOK-09 a limit of 0.0005 s works',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'time limits > TOK-09 a limit of 1e-9 s works',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'time limits > TOK-09 a limit of 1000000000 s works',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'time limits > TOK-09 a limit of 1.7976931348623157e+308 s works',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'time limits > TOK-09 covers the body too',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'time limits > TOK-09 a body of exactly the largest size is read, one byte more is not',
    file: '/work/main/packages/core/test/http.test.ts',
  },
  {
    name: 'a job signs with RS384 and gets a token, no refresh token',
    file: '/work/main/packages/sandbox/test/backend.test.ts',
  },
  {
    name: 'a job signs with ES384 and gets a token, no refresh token',
    file: '/work/main/packages/sandbox/test/backend.test.ts',
  },
  {
    name: 'an inline key set serves as well',
    file: '/work/main/packages/sandbox/test/backend.test.ts',
  },
  {
    name: 'only system scopes are granted, and scope is required',
    file: '/work/main/packages/sandbox/test/backend.test.ts',
  },
  {
    name: 'an assertion works once',
    file: '/work/main/packages/sandbox/test/backend.test.ts',
  },
  {
    name: 'refuses an assertion with aud as a list',
    file: '/work/main/packages/sandbox/test/backend.test.ts',
  },
  {
    name: 'refuses an assertion with aud of the issuer',
    file: '/work/main/packages/sandbox/test/backend.test.ts',
  },
  {
    name: 'refuses an assertion with no exp',
    file: '/work/main/packages/sandbox/test/backend.test.ts',
  },
  {
    name: 'refuses an assertion with exp too far ahead',
    file: '/work/main/packages/sandbox/test/backend.test.ts',
  },
  {
    name: 'refuses an assertion with exp in the past',
    file: '/work/main/packages/sandbox/test/backend.test.ts',
  },
  {
    name: 'refuses an assertion with no jti',
    file: '/work/main/packages/sandbox/test/backend.test.ts',
  },
  {
    name: 'refuses an assertion with another iss',
    file: '/work/main/packages/sandbox/test/backend.test.ts',
  },
  {
    name: 'refuses an assertion without typ, without kid, or signed by another key',
    file: '/work/main/packages/sandbox/test/backend.test.ts',
  },
  {
    name: 'keys are cached as the app says, and fetched again for an unknown kid',
    file: '/work/main/packages/sandbox/test/backend.test.ts',
  },
  {
    name: 'without Cache-Control keys are fetched each time, so a dropped key stops at once',
    file: '/work/main/packages/sandbox/test/backend.test.ts',
  },
  {
    name: 'a JWKS that is unreachable, private or not loopback is explained',
    file: '/work/main/packages/sandbox/test/backend.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-11 a relative URL is relative to the FHIR base, with slash or without, and the token is in its header: "Patient/1"',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-11 a relative URL is relative to the FHIR base, with slash or without, and the token is in its header: "Observation?patient=1&category=vital-signs"',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-11 a relative URL is relative to the FHIR base, with slash or without, and the token is in its header: "?_getpages=abc"',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-11 a relative URL is relative to the FHIR base, with slash or without, and the token is in its header: ""',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-11 a relative URL is relative to the FHIR base, with slash or without, and the token is in its header: "./Patient/1"',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-11 a relative URL is relative to the FHIR base, with slash or without, and the token is in its header: "Patient/../Group/1"',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 an absolute URL under the FHIR base is taken as text and as URL: a next link, a reference',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-13 is refused before anything is sent: another origin',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-13 is refused before anything is sent: a path that begins like the base',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-13 is refused before anything is sent: the same in a relative URL',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-13 is refused before anything is sent: user information',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-13 is refused before anything is sent: user information that looks like the host',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-13 is refused before anything is sent: another port',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-13 is refused before anything is sent: another scheme',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-13 is refused before anything is sent: ..',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-13 is refused before anything is sent: .. inside',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-13 is refused before anything is sent: %2e%2e',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-13 is refused before anything is sent: .%2E',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-13 is refused before anything is sent: a path from the root',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-13 is refused before anything is sent: //host',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-13 is refused before anything is sent: backslashes',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-13 is refused before anything is sent: a slash and a backslash',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-13 is refused before anything is sent: .. with backslashes',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-13 is refused before anything is sent: a tab that the parser drops',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-13 is refused before anything is sent: a data URL',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-13 is refused before anything is sent: a blob URL',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-13 is refused before anything is sent: a file',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 RSP-13 is refused before anything is sent: nonsense',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-09 RSP-13 a server that authorization_details or a status header names gets no token',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 the message of a refusal has neither query nor user information',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 whatever text it is called with, a request goes below the FHIR base or nowhere',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'where the token goes > RSP-10 below the base means below its folder',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'redirects > RSP-10 a redirect to another origin is followed without the token and without the caller’s headers',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'redirects > RSP-10 a redirect outside the base on the same host loses the token too, and no later hop gets it back',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'redirects > RSP-10 a redirect inside the base keeps token and headers (301)',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'redirects > RSP-10 a redirect inside the base keeps token and headers (302)',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'redirects > RSP-10 a redirect inside the base keeps token and headers (303)',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'redirects > RSP-10 a redirect inside the base keeps token and headers (307)',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'redirects > RSP-10 a redirect inside the base keeps token and headers (308)',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'redirects > RSP-10 a loop of redirects ends',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'redirects > RSP-10 a redirect of a write, or one that the caller wants to see, is not followed',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: '401 and 403 > ERR-05 after a 401 there is one new token and one replay, with the same method, headers and body',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: '401 and 403 > ERR-05 never a loop: a second 401 is the caller’s',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: '401 and 403 > ERR-05 without a newer token the 401 is the caller’s, its body unread',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: '401 and 403 > ERR-05 a renewal that fails is the caller’s error',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: '401 and 403 > ERR-05 a 400 is not tried again',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: '401 and 403 > ERR-05 a 403 is not tried again',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: '401 and 403 > ERR-05 a 404 is not tried again',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: '401 and 403 > ERR-05 a 500 is not tried again',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: '401 and 403 > ERR-05 a body that is used up is not sent again: a web stream',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: '401 and 403 > ERR-05 a body that is used up is not sent again: a Node stream',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: '401 and 403 > ERR-05 a body that can be sent again is: text',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: '401 and 403 > ERR-05 a body that can be sent again is: a form',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: '401 and 403 > ERR-05 a body that can be sent again is: bytes',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: '401 and 403 > ERR-05 a body that can be sent again is: a blob',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: '401 and 403 > ERR-05 a 401 of another server, to which a redirect led, says nothing of the token',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'the request that is sent > RSP-11 asks for FHIR JSON unless the caller asks for something else',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'the request that is sent > RSP-11 an Authorization header of the caller’s own gives way to the token',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'the request that is sent > RSP-11 the caller’s init and its headers are not changed',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'the request that is sent > RSP-11 a signal of the caller’s ends the request',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'the object > RSP-11 is frozen, with all that it holds',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'the object > ERR-06 shows no token when printed, serialised or copied',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'in a session > RSP-03 there is one object per token, whatever the number of requests',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'in a session > RSP-03 fetch sends the newest token of its session, however old its context is',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'in a session > ERR-05 many requests that get a 401 at once cause one refresh',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'in a session > ERR-05 without a refresh token a 401 of the FHIR server is the caller’s, and an expired token ends the session',
    file: '/work/main/packages/core/test/fhir-context.test.ts',
  },
  {
    name: 'Nest 11 on Express > standalone launch > AUTHZ-01 AUTHZ-02 AUTHZ-03 AUTHZ-04 login goes to the authorization endpoint with all that it needs',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > standalone launch > TOK-02 PKCE-02 PKCE-05 the code is exchanged once, with the verifier of its challenge and the client secret',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > standalone launch > RSP-06 IDT-06 the handler finds the patient and the person who logged in',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > standalone launch > RSP-11 fhir.fetch reads with the token in the Authorization header, and in no URL',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > standalone launch > CB-09 a person without a login gets to the page that was asked for, on a clean URL',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > standalone launch > CB-07 after login the browser goes to a path of this app, whatever returnTo says',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > EHR launch > EHR-02 the launch handle goes back to the EHR as it came, with the FHIR base URL as aud',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > EHR launch > EHR-02 RSP-06 RSP-07 the handler finds patient, encounter, intent, banner and user of the EHR',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > EHR launch > EHR-06 an EHR launch ends on a page that names its launch',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > EHR launch > EHR-01 a launch without iss or without launch is refused, and causes no request',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > EHR launch > EHR-03 SEC-08 an iss that is not registered is refused before any request goes out',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > EHR launch > EHR-04 no cache keeps what a launch is answered with, and no referrer tells of it',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > callback > CB-09 a good callback sets the session and redirects to a clean URL, unstored and without referrer',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > callback > CB-04 parameters that are not known are ignored',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > callback > STATE-02 PKCE-06 a state that is altered or missing is refused, and the code is not sent',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > callback > STATE-02 PKCE-03 a callback in another browser is refused, and the code is not sent',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > callback > STATE-03 TOK-06 a callback that is opened again is refused, and its code is not sent again',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > callback > STATE-03 of two callbacks at once, one exchanges the code',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > callback > STATE-04 a login that took too long is refused, and says so',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > callback > STATE-05 what is kept with the state cannot be changed or swapped by the browser',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > callback > CB-02 SEC-05 an iss of another server, or a missing one, is refused, and the code is not sent',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > callback > CB-05 a parameter that stands twice is refused, and the code is not sent',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > authorization errors > CB-06 ERR-04 a refusal by the person is told by its name',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > authorization errors > CB-06 SEC-02 ERR-07 an error is shown escaped, its link only when it is http',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > authorization errors > CB-06 an error with a wrong state is not shown',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > authorization errors > ERR-01 TOK-06 a code that the server refuses logs nobody in, and is not tried again',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > authorization errors > NONCE-01 IDT-01 an id_token with another nonce logs nobody in',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > authorization errors > a callback that failed offers a person to log in again',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > two tabs > EHR-06 two logins at once in one browser both complete, each with its own patient',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > two tabs > with two launches open, a request that names one in query or header gets that patient',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > two tabs > with two launches open, a link or a script of a page belongs to the launch of that page',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > two tabs > EHR-06 with two launches open, a page reached by a plain link gets its launch into its own address',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > two tabs > with two launches open, a request that names none is refused and not guessed',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > two tabs > a launch id of nobody, or of another browser, opens nothing',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > session cookie > SEC-03 an app on https sets cookies for its host alone, unseen by scripts, and opaque',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > session cookie > EHR-07 an app in a frame of the EHR sets cookies that are SameSite=None, Secure and Partitioned',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > session cookie > SEC-03 each cookie is a header of its own, and the one of the login goes when it is done',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > session cookie > SEC-04 the session id changes at login, and the old one opens nothing',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > session cookie > SEC-04 a session id that was planted in the browser is not taken up by a login',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > session cookie > SEC-03 a cookie that was made up opens nothing',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > session cookie > a request with a live session asks nobody and sets no cookie',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > session cookie > a session ends after its lifetime',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > guard > a program without a login gets 401 as problem+json',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > guard > a browser that opens a page without a login is sent to log in, and comes back to that page',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > guard > a script that asks for HTML is refused with 401, since a redirect would lead it nowhere',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > guard > a route without a guard is open, and has no context without a login',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > guard > SCP-04 a scope within what was granted passes',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > guard > SCP-10 ERR-05 a scope that was not granted is 403, named, and nothing is renewed or retried',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > guard > RSP-12 a context that the login did not bring is 403',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > guard > SEC-02 a person is refused by a page: not stored, and without script',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > guard > RSP-10 the token goes to no other server, and the handler is told so',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > guard > login, launch and callback take GET, logout takes POST',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > refresh > RFR-01 RFR-04 a token is renewed before it expires, once however many requests come, and nobody waits for it',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > refresh > RFR-04 requests with an expired token wait for one refresh, and all go on with the new token',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > refresh > RFR-03 a rotated refresh token replaces the old one, and none is used twice',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > refresh > RFR-06 patient, user and launch stay what they were',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > refresh > RFR-07 a refresh token that the server refuses ends the session',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > refresh > RFR-07 while the authorization server is down, a token that still lives serves on',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > refresh > RFR-07 while the authorization server is down, an expired token is 503 with Retry-After, and the session stays',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > refresh > ERR-05 a token that the FHIR server refuses is renewed once, and the request sent again',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > refresh > ERR-05 a 403 of the FHIR server is handed on, and nothing is renewed',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > refresh > without a refresh token the session ends with its token',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > logout > REV-01 logout ends the session here, revokes at the server and goes to its page',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > logout > logout from another origin is refused, and the session stays',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > logout > logout from a page of the app that hides its origin passes, since the browser vouches for it',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > logout > REV-03 a server that cannot be reached does not keep a person logged in',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > logout > logout without a session is no error',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > logout > logout ends one browser, and no other',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > backend > JWKS-02 JWKS-03 JWKS-04 JWKS-05 the public keys are served to anyone as plain JSON that may be cached',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > backend > JWKS-02 the JWKS takes no other method than GET',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > backend > BSV-01 JWT-05 JWT-06 a handler has the token of the app itself, got with an assertion that the JWKS verifies',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > backend > RSP-11 fhir.fetch of a job reads with its token',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > backend > BSV-08 however many requests wait for the token, it is asked for once',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > backend > BSV-09 a token that the FHIR server refuses is replaced once, and the request sent again',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > backend > ERR-01 BSV-12 a token that cannot be had stops guarded routes alone, and says why',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > backend > BSV-08 a token that still lives serves on while its server is down, even when a new one is due',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > backend > a backend token never replaces a person: who is not logged in gets no token of the system',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > backend > a backend token never replaces a person: who is logged in keeps their own context',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > backend > a backend token never replaces a person, also where backendServices() is mounted first',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > mounting > CB-09 an app below a path logs in there, and comes back to the page that was asked for',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > mounting > EHR-02 an app below a path is launched there by the EHR',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > mounting > an app below a path logs out there',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > mounting > JWKS-02 an app below a path serves its JWKS there, and gets its token',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > mounting > an app below a path answers nothing outside it',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > mounting > behind a proxy that strips a prefix, the browser is sent to where the proxy is',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > error path > a refused guard goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > error path > a refused callback goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > error path > a token that cannot be had goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > error path > what is no problem is answered as ever, where problems are forwarded',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > error path > problems are answered by the adapter, whatever error handler the app has',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > error path > the failure of a handler goes to the error handler of the app',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > error path > an error that nobody foresaw goes to the error handler of the app, from a guarded route alone',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > error path > an error that nobody foresaw goes to the error handler of the app, from the callback',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > error path > a session store that fails is 503 for guarded routes, without a word of its reason',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > isolation > SEC-07 requests of several people that are served at the same time each keep their own patient and token',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > isolation > SEC-07 a request without a login gets nothing of one that is served at the same time',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > isolation > SEC-07 logins of several people at the same time each end with their own patient',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > forwarded headers > AUTHZ-03 the redirect URI comes from the configuration, whatever host the request names',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > forwarded headers > CB-07 no redirect of the app leads to the host that a request names',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > forwarded headers > SEC-03 whether cookies are Secure is decided by the configuration, whatever scheme the request names',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > forwarded headers > the origin of a logout is compared with the configuration, whatever host the request names',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Express > skips 0 cases',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > standalone launch > AUTHZ-01 AUTHZ-02 AUTHZ-03 AUTHZ-04 login goes to the authorization endpoint with all that it needs',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > standalone launch > TOK-02 PKCE-02 PKCE-05 the code is exchanged once, with the verifier of its challenge and the client secret',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > standalone launch > RSP-06 IDT-06 the handler finds the patient and the person who logged in',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > standalone launch > RSP-11 fhir.fetch reads with the token in the Authorization header, and in no URL',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > standalone launch > CB-09 a person without a login gets to the page that was asked for, on a clean URL',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > standalone launch > CB-07 after login the browser goes to a path of this app, whatever returnTo says',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > EHR launch > EHR-02 the launch handle goes back to the EHR as it came, with the FHIR base URL as aud',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > EHR launch > EHR-02 RSP-06 RSP-07 the handler finds patient, encounter, intent, banner and user of the EHR',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > EHR launch > EHR-06 an EHR launch ends on a page that names its launch',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > EHR launch > EHR-01 a launch without iss or without launch is refused, and causes no request',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > EHR launch > EHR-03 SEC-08 an iss that is not registered is refused before any request goes out',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > EHR launch > EHR-04 no cache keeps what a launch is answered with, and no referrer tells of it',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > callback > CB-09 a good callback sets the session and redirects to a clean URL, unstored and without referrer',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > callback > CB-04 parameters that are not known are ignored',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > callback > STATE-02 PKCE-06 a state that is altered or missing is refused, and the code is not sent',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > callback > STATE-02 PKCE-03 a callback in another browser is refused, and the code is not sent',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > callback > STATE-03 TOK-06 a callback that is opened again is refused, and its code is not sent again',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > callback > STATE-03 of two callbacks at once, one exchanges the code',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > callback > STATE-04 a login that took too long is refused, and says so',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > callback > STATE-05 what is kept with the state cannot be changed or swapped by the browser',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > callback > CB-02 SEC-05 an iss of another server, or a missing one, is refused, and the code is not sent',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > callback > CB-05 a parameter that stands twice is refused, and the code is not sent',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > authorization errors > CB-06 ERR-04 a refusal by the person is told by its name',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > authorization errors > CB-06 SEC-02 ERR-07 an error is shown escaped, its link only when it is http',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > authorization errors > CB-06 an error with a wrong state is not shown',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > authorization errors > ERR-01 TOK-06 a code that the server refuses logs nobody in, and is not tried again',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > authorization errors > NONCE-01 IDT-01 an id_token with another nonce logs nobody in',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > authorization errors > a callback that failed offers a person to log in again',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > two tabs > EHR-06 two logins at once in one browser both complete, each with its own patient',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > two tabs > with two launches open, a request that names one in query or header gets that patient',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > two tabs > with two launches open, a link or a script of a page belongs to the launch of that page',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > two tabs > EHR-06 with two launches open, a page reached by a plain link gets its launch into its own address',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > two tabs > with two launches open, a request that names none is refused and not guessed',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > two tabs > a launch id of nobody, or of another browser, opens nothing',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > session cookie > SEC-03 an app on https sets cookies for its host alone, unseen by scripts, and opaque',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > session cookie > EHR-07 an app in a frame of the EHR sets cookies that are SameSite=None, Secure and Partitioned',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > session cookie > SEC-03 each cookie is a header of its own, and the one of the login goes when it is done',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > session cookie > SEC-04 the session id changes at login, and the old one opens nothing',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > session cookie > SEC-04 a session id that was planted in the browser is not taken up by a login',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > session cookie > SEC-03 a cookie that was made up opens nothing',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > session cookie > a request with a live session asks nobody and sets no cookie',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > session cookie > a session ends after its lifetime',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > guard > a program without a login gets 401 as problem+json',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > guard > a browser that opens a page without a login is sent to log in, and comes back to that page',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > guard > a script that asks for HTML is refused with 401, since a redirect would lead it nowhere',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > guard > a route without a guard is open, and has no context without a login',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > guard > SCP-04 a scope within what was granted passes',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > guard > SCP-10 ERR-05 a scope that was not granted is 403, named, and nothing is renewed or retried',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > guard > RSP-12 a context that the login did not bring is 403',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > guard > SEC-02 a person is refused by a page: not stored, and without script',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > guard > RSP-10 the token goes to no other server, and the handler is told so',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > guard > login, launch and callback take GET, logout takes POST',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > refresh > RFR-01 RFR-04 a token is renewed before it expires, once however many requests come, and nobody waits for it',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > refresh > RFR-04 requests with an expired token wait for one refresh, and all go on with the new token',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > refresh > RFR-03 a rotated refresh token replaces the old one, and none is used twice',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > refresh > RFR-06 patient, user and launch stay what they were',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > refresh > RFR-07 a refresh token that the server refuses ends the session',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > refresh > RFR-07 while the authorization server is down, a token that still lives serves on',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > refresh > RFR-07 while the authorization server is down, an expired token is 503 with Retry-After, and the session stays',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > refresh > ERR-05 a token that the FHIR server refuses is renewed once, and the request sent again',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > refresh > ERR-05 a 403 of the FHIR server is handed on, and nothing is renewed',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > refresh > without a refresh token the session ends with its token',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > logout > REV-01 logout ends the session here, revokes at the server and goes to its page',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > logout > logout from another origin is refused, and the session stays',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > logout > logout from a page of the app that hides its origin passes, since the browser vouches for it',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > logout > REV-03 a server that cannot be reached does not keep a person logged in',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > logout > logout without a session is no error',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > logout > logout ends one browser, and no other',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > backend > JWKS-02 JWKS-03 JWKS-04 JWKS-05 the public keys are served to anyone as plain JSON that may be cached',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > backend > JWKS-02 the JWKS takes no other method than GET',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > backend > BSV-01 JWT-05 JWT-06 a handler has the token of the app itself, got with an assertion that the JWKS verifies',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > backend > RSP-11 fhir.fetch of a job reads with its token',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > backend > BSV-08 however many requests wait for the token, it is asked for once',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > backend > BSV-09 a token that the FHIR server refuses is replaced once, and the request sent again',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > backend > ERR-01 BSV-12 a token that cannot be had stops guarded routes alone, and says why',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > backend > BSV-08 a token that still lives serves on while its server is down, even when a new one is due',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > backend > a backend token never replaces a person: who is not logged in gets no token of the system',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > backend > a backend token never replaces a person: who is logged in keeps their own context',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > backend > a backend token never replaces a person, also where backendServices() is mounted first',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > mounting > CB-09 an app below a path logs in there, and comes back to the page that was asked for',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > mounting > EHR-02 an app below a path is launched there by the EHR',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > mounting > an app below a path logs out there',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > mounting > JWKS-02 an app below a path serves its JWKS there, and gets its token',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > mounting > an app below a path answers nothing outside it',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > mounting > behind a proxy that strips a prefix, the browser is sent to where the proxy is',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > error path > a refused guard goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > error path > a refused callback goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > error path > a token that cannot be had goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > error path > what is no problem is answered as ever, where problems are forwarded',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > error path > problems are answered by the adapter, whatever error handler the app has',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > error path > the failure of a handler goes to the error handler of the app',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > error path > an error that nobody foresaw goes to the error handler of the app, from a guarded route alone',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > error path > an error that nobody foresaw goes to the error handler of the app, from the callback',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > error path > a session store that fails is 503 for guarded routes, without a word of its reason',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > isolation > SEC-07 requests of several people that are served at the same time each keep their own patient and token',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > isolation > SEC-07 a request without a login gets nothing of one that is served at the same time',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > isolation > SEC-07 logins of several people at the same time each end with their own patient',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > forwarded headers > AUTHZ-03 the redirect URI comes from the configuration, whatever host the request names',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > forwarded headers > CB-07 no redirect of the app leads to the host that a request names',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > forwarded headers > SEC-03 whether cookies are Secure is decided by the configuration, whatever scheme the request names',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > forwarded headers > the origin of a logout is compared with the configuration, whatever host the request names',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'Nest 11 on Fastify > skips 0 cases',
    file: '/work/main/packages/nest/test/conformance-nest-11.test.ts',
  },
  {
    name: 'the store of one’s own in docs/session-stores.md > an unknown key has no value, and nothing happens to it',
    file: '/work/main/packages/redis/test/map-store.test.ts',
  },
  {
    name: 'the store of one’s own in docs/session-stores.md > a value is there for everybody, until it is replaced or removed',
    file: '/work/main/packages/redis/test/map-store.test.ts',
  },
  {
    name: 'the store of one’s own in docs/session-stores.md > a value comes back as it was: line ends and quotes',
    file: '/work/main/packages/redis/test/map-store.test.ts',
  },
  {
    name: 'the store of one’s own in docs/session-stores.md > a value comes back as it was: a NUL byte',
    file: '/work/main/packages/redis/test/map-store.test.ts',
  },
  {
    name: 'the store of one’s own in docs/session-stores.md > a value comes back as it was: every plane of Unicode',
    file: '/work/main/packages/redis/test/map-store.test.ts',
  },
  {
    name: 'the store of one’s own in docs/session-stores.md > a value comes back as it was: a number',
    file: '/work/main/packages/redis/test/map-store.test.ts',
  },
  {
    name: 'the store of one’s own in docs/session-stores.md > a value comes back as it was: 300,000 characters',
    file: '/work/main/packages/redis/test/map-store.test.ts',
  },
  {
    name: 'the store of one’s own in docs/session-stores.md > a swap from nothing writes only where nothing is',
    file: '/work/main/packages/redis/test/map-store.test.ts',
  },
  {
    name: 'the store of one’s own in docs/session-stores.md > a swap from a value writes only where exactly that is',
    file: '/work/main/packages/redis/test/map-store.test.ts',
  },
  {
    name: 'the store of one’s own in docs/session-stores.md > a key is removed by its owner alone',
    file: '/work/main/packages/redis/test/map-store.test.ts',
  },
  {
    name: 'the store of one’s own in docs/session-stores.md > of 100 swaps from nothing at once, one writes',
    file: '/work/main/packages/redis/test/map-store.test.ts',
  },
  {
    name: 'the store of one’s own in docs/session-stores.md > of 100 swaps from the same value at once, one writes',
    file: '/work/main/packages/redis/test/map-store.test.ts',
  },
  {
    name: 'the store of one’s own in docs/session-stores.md > a lock is held by one at a time, and each gives back only its own',
    file: '/work/main/packages/redis/test/map-store.test.ts',
  },
  {
    name: 'the store of one’s own in docs/session-stores.md > no change is lost when many read, compute and swap',
    file: '/work/main/packages/redis/test/map-store.test.ts',
  },
  {
    name: 'the store of one’s own in docs/session-stores.md > a value goes when its time is up, whichever way it came, and the last time counts',
    file: '/work/main/packages/redis/test/map-store.test.ts',
  },
  {
    name: 'the store of one’s own in docs/session-stores.md > another namespace sees and touches nothing of it',
    file: '/work/main/packages/redis/test/map-store.test.ts',
  },
  {
    name: 'is the one that the page shows',
    file: '/work/main/packages/redis/test/map-store.test.ts',
  },
  {
    name: 'Nest 12 on Express > standalone launch > AUTHZ-01 AUTHZ-02 AUTHZ-03 AUTHZ-04 login goes to the authorization endpoint with all that it needs',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > standalone launch > TOK-02 PKCE-02 PKCE-05 the code is exchanged once, with the verifier of its challenge and the client secret',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > standalone launch > RSP-06 IDT-06 the handler finds the patient and the person who logged in',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > standalone launch > RSP-11 fhir.fetch reads with the token in the Authorization header, and in no URL',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > standalone launch > CB-09 a person without a login gets to the page that was asked for, on a clean URL',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > standalone launch > CB-07 after login the browser goes to a path of this app, whatever returnTo says',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > EHR launch > EHR-02 the launch handle goes back to the EHR as it came, with the FHIR base URL as aud',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > EHR launch > EHR-02 RSP-06 RSP-07 the handler finds patient, encounter, intent, banner and user of the EHR',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > EHR launch > EHR-06 an EHR launch ends on a page that names its launch',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > EHR launch > EHR-01 a launch without iss or without launch is refused, and causes no request',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > EHR launch > EHR-03 SEC-08 an iss that is not registered is refused before any request goes out',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > EHR launch > EHR-04 no cache keeps what a launch is answered with, and no referrer tells of it',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > callback > CB-09 a good callback sets the session and redirects to a clean URL, unstored and without referrer',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > callback > CB-04 parameters that are not known are ignored',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > callback > STATE-02 PKCE-06 a state that is altered or missing is refused, and the code is not sent',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > callback > STATE-02 PKCE-03 a callback in another browser is refused, and the code is not sent',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > callback > STATE-03 TOK-06 a callback that is opened again is refused, and its code is not sent again',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > callback > STATE-03 of two callbacks at once, one exchanges the code',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > callback > STATE-04 a login that took too long is refused, and says so',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > callback > STATE-05 what is kept with the state cannot be changed or swapped by the browser',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > callback > CB-02 SEC-05 an iss of another server, or a missing one, is refused, and the code is not sent',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > callback > CB-05 a parameter that stands twice is refused, and the code is not sent',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > authorization errors > CB-06 ERR-04 a refusal by the person is told by its name',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > authorization errors > CB-06 SEC-02 ERR-07 an error is shown escaped, its link only when it is http',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > authorization errors > CB-06 an error with a wrong state is not shown',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > authorization errors > ERR-01 TOK-06 a code that the server refuses logs nobody in, and is not tried again',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > authorization errors > NONCE-01 IDT-01 an id_token with another nonce logs nobody in',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > authorization errors > a callback that failed offers a person to log in again',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > two tabs > EHR-06 two logins at once in one browser both complete, each with its own patient',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > two tabs > with two launches open, a request that names one in query or header gets that patient',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > two tabs > with two launches open, a link or a script of a page belongs to the launch of that page',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > two tabs > EHR-06 with two launches open, a page reached by a plain link gets its launch into its own address',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > two tabs > with two launches open, a request that names none is refused and not guessed',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > two tabs > a launch id of nobody, or of another browser, opens nothing',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > session cookie > SEC-03 an app on https sets cookies for its host alone, unseen by scripts, and opaque',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > session cookie > EHR-07 an app in a frame of the EHR sets cookies that are SameSite=None, Secure and Partitioned',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > session cookie > SEC-03 each cookie is a header of its own, and the one of the login goes when it is done',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > session cookie > SEC-04 the session id changes at login, and the old one opens nothing',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > session cookie > SEC-04 a session id that was planted in the browser is not taken up by a login',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > session cookie > SEC-03 a cookie that was made up opens nothing',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > session cookie > a request with a live session asks nobody and sets no cookie',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > session cookie > a session ends after its lifetime',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > guard > a program without a login gets 401 as problem+json',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > guard > a browser that opens a page without a login is sent to log in, and comes back to that page',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > guard > a script that asks for HTML is refused with 401, since a redirect would lead it nowhere',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > guard > a route without a guard is open, and has no context without a login',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > guard > SCP-04 a scope within what was granted passes',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > guard > SCP-10 ERR-05 a scope that was not granted is 403, named, and nothing is renewed or retried',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > guard > RSP-12 a context that the login did not bring is 403',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > guard > SEC-02 a person is refused by a page: not stored, and without script',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > guard > RSP-10 the token goes to no other server, and the handler is told so',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > guard > login, launch and callback take GET, logout takes POST',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > refresh > RFR-01 RFR-04 a token is renewed before it expires, once however many requests come, and nobody waits for it',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > refresh > RFR-04 requests with an expired token wait for one refresh, and all go on with the new token',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > refresh > RFR-03 a rotated refresh token replaces the old one, and none is used twice',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > refresh > RFR-06 patient, user and launch stay what they were',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > refresh > RFR-07 a refresh token that the server refuses ends the session',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > refresh > RFR-07 while the authorization server is down, a token that still lives serves on',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > refresh > RFR-07 while the authorization server is down, an expired token is 503 with Retry-After, and the session stays',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > refresh > ERR-05 a token that the FHIR server refuses is renewed once, and the request sent again',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > refresh > ERR-05 a 403 of the FHIR server is handed on, and nothing is renewed',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > refresh > without a refresh token the session ends with its token',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > logout > REV-01 logout ends the session here, revokes at the server and goes to its page',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > logout > logout from another origin is refused, and the session stays',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > logout > logout from a page of the app that hides its origin passes, since the browser vouches for it',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > logout > REV-03 a server that cannot be reached does not keep a person logged in',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > logout > logout without a session is no error',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > logout > logout ends one browser, and no other',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > backend > JWKS-02 JWKS-03 JWKS-04 JWKS-05 the public keys are served to anyone as plain JSON that may be cached',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > backend > JWKS-02 the JWKS takes no other method than GET',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > backend > BSV-01 JWT-05 JWT-06 a handler has the token of the app itself, got with an assertion that the JWKS verifies',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > backend > RSP-11 fhir.fetch of a job reads with its token',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > backend > BSV-08 however many requests wait for the token, it is asked for once',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > backend > BSV-09 a token that the FHIR server refuses is replaced once, and the request sent again',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > backend > ERR-01 BSV-12 a token that cannot be had stops guarded routes alone, and says why',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > backend > BSV-08 a token that still lives serves on while its server is down, even when a new one is due',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > backend > a backend token never replaces a person: who is not logged in gets no token of the system',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > backend > a backend token never replaces a person: who is logged in keeps their own context',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > backend > a backend token never replaces a person, also where backendServices() is mounted first',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > mounting > CB-09 an app below a path logs in there, and comes back to the page that was asked for',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > mounting > EHR-02 an app below a path is launched there by the EHR',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > mounting > an app below a path logs out there',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > mounting > JWKS-02 an app below a path serves its JWKS there, and gets its token',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > mounting > an app below a path answers nothing outside it',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > mounting > behind a proxy that strips a prefix, the browser is sent to where the proxy is',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > error path > a refused guard goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > error path > a refused callback goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > error path > a token that cannot be had goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > error path > what is no problem is answered as ever, where problems are forwarded',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > error path > problems are answered by the adapter, whatever error handler the app has',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > error path > the failure of a handler goes to the error handler of the app',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > error path > an error that nobody foresaw goes to the error handler of the app, from a guarded route alone',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > error path > an error that nobody foresaw goes to the error handler of the app, from the callback',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > error path > a session store that fails is 503 for guarded routes, without a word of its reason',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > isolation > SEC-07 requests of several people that are served at the same time each keep their own patient and token',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > isolation > SEC-07 a request without a login gets nothing of one that is served at the same time',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > isolation > SEC-07 logins of several people at the same time each end with their own patient',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > forwarded headers > AUTHZ-03 the redirect URI comes from the configuration, whatever host the request names',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > forwarded headers > CB-07 no redirect of the app leads to the host that a request names',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > forwarded headers > SEC-03 whether cookies are Secure is decided by the configuration, whatever scheme the request names',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > forwarded headers > the origin of a logout is compared with the configuration, whatever host the request names',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Express > skips 0 cases',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > standalone launch > AUTHZ-01 AUTHZ-02 AUTHZ-03 AUTHZ-04 login goes to the authorization endpoint with all that it needs',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > standalone launch > TOK-02 PKCE-02 PKCE-05 the code is exchanged once, with the verifier of its challenge and the client secret',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > standalone launch > RSP-06 IDT-06 the handler finds the patient and the person who logged in',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > standalone launch > RSP-11 fhir.fetch reads with the token in the Authorization header, and in no URL',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > standalone launch > CB-09 a person without a login gets to the page that was asked for, on a clean URL',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > standalone launch > CB-07 after login the browser goes to a path of this app, whatever returnTo says',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > EHR launch > EHR-02 the launch handle goes back to the EHR as it came, with the FHIR base URL as aud',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > EHR launch > EHR-02 RSP-06 RSP-07 the handler finds patient, encounter, intent, banner and user of the EHR',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > EHR launch > EHR-06 an EHR launch ends on a page that names its launch',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > EHR launch > EHR-01 a launch without iss or without launch is refused, and causes no request',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > EHR launch > EHR-03 SEC-08 an iss that is not registered is refused before any request goes out',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > EHR launch > EHR-04 no cache keeps what a launch is answered with, and no referrer tells of it',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > callback > CB-09 a good callback sets the session and redirects to a clean URL, unstored and without referrer',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > callback > CB-04 parameters that are not known are ignored',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > callback > STATE-02 PKCE-06 a state that is altered or missing is refused, and the code is not sent',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > callback > STATE-02 PKCE-03 a callback in another browser is refused, and the code is not sent',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > callback > STATE-03 TOK-06 a callback that is opened again is refused, and its code is not sent again',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > callback > STATE-03 of two callbacks at once, one exchanges the code',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > callback > STATE-04 a login that took too long is refused, and says so',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > callback > STATE-05 what is kept with the state cannot be changed or swapped by the browser',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > callback > CB-02 SEC-05 an iss of another server, or a missing one, is refused, and the code is not sent',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > callback > CB-05 a parameter that stands twice is refused, and the code is not sent',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > authorization errors > CB-06 ERR-04 a refusal by the person is told by its name',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > authorization errors > CB-06 SEC-02 ERR-07 an error is shown escaped, its link only when it is http',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > authorization errors > CB-06 an error with a wrong state is not shown',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > authorization errors > ERR-01 TOK-06 a code that the server refuses logs nobody in, and is not tried again',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > authorization errors > NONCE-01 IDT-01 an id_token with another nonce logs nobody in',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > authorization errors > a callback that failed offers a person to log in again',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > two tabs > EHR-06 two logins at once in one browser both complete, each with its own patient',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > two tabs > with two launches open, a request that names one in query or header gets that patient',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > two tabs > with two launches open, a link or a script of a page belongs to the launch of that page',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > two tabs > EHR-06 with two launches open, a page reached by a plain link gets its launch into its own address',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > two tabs > with two launches open, a request that names none is refused and not guessed',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > two tabs > a launch id of nobody, or of another browser, opens nothing',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > session cookie > SEC-03 an app on https sets cookies for its host alone, unseen by scripts, and opaque',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > session cookie > EHR-07 an app in a frame of the EHR sets cookies that are SameSite=None, Secure and Partitioned',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > session cookie > SEC-03 each cookie is a header of its own, and the one of the login goes when it is done',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > session cookie > SEC-04 the session id changes at login, and the old one opens nothing',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > session cookie > SEC-04 a session id that was planted in the browser is not taken up by a login',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > session cookie > SEC-03 a cookie that was made up opens nothing',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > session cookie > a request with a live session asks nobody and sets no cookie',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > session cookie > a session ends after its lifetime',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > guard > a program without a login gets 401 as problem+json',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > guard > a browser that opens a page without a login is sent to log in, and comes back to that page',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > guard > a script that asks for HTML is refused with 401, since a redirect would lead it nowhere',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > guard > a route without a guard is open, and has no context without a login',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > guard > SCP-04 a scope within what was granted passes',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > guard > SCP-10 ERR-05 a scope that was not granted is 403, named, and nothing is renewed or retried',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > guard > RSP-12 a context that the login did not bring is 403',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > guard > SEC-02 a person is refused by a page: not stored, and without script',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > guard > RSP-10 the token goes to no other server, and the handler is told so',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > guard > login, launch and callback take GET, logout takes POST',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > refresh > RFR-01 RFR-04 a token is renewed before it expires, once however many requests come, and nobody waits for it',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > refresh > RFR-04 requests with an expired token wait for one refresh, and all go on with the new token',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > refresh > RFR-03 a rotated refresh token replaces the old one, and none is used twice',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > refresh > RFR-06 patient, user and launch stay what they were',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > refresh > RFR-07 a refresh token that the server refuses ends the session',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > refresh > RFR-07 while the authorization server is down, a token that still lives serves on',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > refresh > RFR-07 while the authorization server is down, an expired token is 503 with Retry-After, and the session stays',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > refresh > ERR-05 a token that the FHIR server refuses is renewed once, and the request sent again',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > refresh > ERR-05 a 403 of the FHIR server is handed on, and nothing is renewed',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > refresh > without a refresh token the session ends with its token',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > logout > REV-01 logout ends the session here, revokes at the server and goes to its page',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > logout > logout from another origin is refused, and the session stays',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > logout > logout from a page of the app that hides its origin passes, since the browser vouches for it',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > logout > REV-03 a server that cannot be reached does not keep a person logged in',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > logout > logout without a session is no error',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > logout > logout ends one browser, and no other',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > backend > JWKS-02 JWKS-03 JWKS-04 JWKS-05 the public keys are served to anyone as plain JSON that may be cached',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > backend > JWKS-02 the JWKS takes no other method than GET',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > backend > BSV-01 JWT-05 JWT-06 a handler has the token of the app itself, got with an assertion that the JWKS verifies',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > backend > RSP-11 fhir.fetch of a job reads with its token',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > backend > BSV-08 however many requests wait for the token, it is asked for once',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > backend > BSV-09 a token that the FHIR server refuses is replaced once, and the request sent again',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > backend > ERR-01 BSV-12 a token that cannot be had stops guarded routes alone, and says why',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > backend > BSV-08 a token that still lives serves on while its server is down, even when a new one is due',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > backend > a backend token never replaces a person: who is not logged in gets no token of the system',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > backend > a backend token never replaces a person: who is logged in keeps their own context',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > backend > a backend token never replaces a person, also where backendServices() is mounted first',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > mounting > CB-09 an app below a path logs in there, and comes back to the page that was asked for',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > mounting > EHR-02 an app below a path is launched there by the EHR',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > mounting > an app below a path logs out there',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > mounting > JWKS-02 an app below a path serves its JWKS there, and gets its token',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > mounting > an app below a path answers nothing outside it',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > mounting > behind a proxy that strips a prefix, the browser is sent to where the proxy is',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > error path > a refused guard goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > error path > a refused callback goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > error path > a token that cannot be had goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > error path > what is no problem is answered as ever, where problems are forwarded',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > error path > problems are answered by the adapter, whatever error handler the app has',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > error path > the failure of a handler goes to the error handler of the app',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > error path > an error that nobody foresaw goes to the error handler of the app, from a guarded route alone',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > error path > an error that nobody foresaw goes to the error handler of the app, from the callback',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > error path > a session store that fails is 503 for guarded routes, without a word of its reason',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > isolation > SEC-07 requests of several people that are served at the same time each keep their own patient and token',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > isolation > SEC-07 a request without a login gets nothing of one that is served at the same time',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > isolation > SEC-07 logins of several people at the same time each end with their own patient',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > forwarded headers > AUTHZ-03 the redirect URI comes from the configuration, whatever host the request names',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > forwarded headers > CB-07 no redirect of the app leads to the host that a request names',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > forwarded headers > SEC-03 whether cookies are Secure is decided by the configuration, whatever scheme the request names',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > forwarded headers > the origin of a logout is compared with the configuration, whatever host the request names',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'Nest 12 on Fastify > skips 0 cases',
    file: '/work/main/packages/nest/test/conformance.test.ts',
  },
  {
    name: 'a request with a context > ERR-05 passes where the route needs nothing',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request with a context > ERR-05 passes where the route needs a scope that is covered',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request with a context > ERR-05 passes where the route needs a v1 scope that is covered',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request with a context > ERR-05 passes where the route needs several scopes, as text',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request with a context > ERR-05 passes where the route needs several scopes, as a list',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request with a context > ERR-05 passes where the route needs a patient',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request with a context > ERR-05 passes where the route needs an encounter',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request with a context > ERR-05 passes where the route needs neither, by false',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request with a context > ERR-05 a scope that was not granted is a 403 that names it, for a person as for a program, and no login',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request with a context > RSP-12 a context without what the route needs is a 403, not a guess ({"patient":true})',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request with a context > RSP-12 a context without what the route needs is a 403, not a guess ({"encounter":true})',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request with a context > RSP-12 a context without what the route needs is a 403, not a guess ({"patient":true})',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a page that only the page before it ties to a launch > EHR-06 is sent to its own address with the launch, so that the next plain link works as well',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a page that only the page before it ties to a launch > EHR-06 is served where it is no page, or no page of a launch',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a page that only the page before it ties to a launch > EHR-06 comes back to its launch from a login, to which our own redirect carries no referrer',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a page that only the page before it ties to a launch > EHR-06 is refused first where the token does not reach',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request without a context > ERR-05 a person is sent to the login: a browser that says it navigates',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request without a context > ERR-05 a person is sent to the login: a browser that says so in a frame',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request without a context > ERR-05 a person is sent to the login: a browser without Sec-Fetch-Mode',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request without a context > ERR-05 a person is sent to the login: a HEAD of a navigation',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request without a context > ERR-05 a 401 answers a program',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request without a context > ERR-05 a 401 answers a request without any header',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request without a context > ERR-05 a 401 answers a script that accepts HTML',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request without a context > ERR-05 a 401 answers a form post, whose body a redirect would lose',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request without a context > ERR-05 a program reads problem+json, a person a page',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request without a context > ERR-05 why there is no context reaches the asker: ambiguous_launch is a 409, never a login',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request without a context > ERR-05 why there is no context reaches the asker: token_unavailable is a 503, never a login',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request without a context > ERR-05 why there is no context reaches the asker: session_store_failed is a 503, never a login',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request without a context > ERR-05 why there is no context reaches the asker: session_ended is a 401, never a login',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request without a context > ERR-05 a 503 says when to come back',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request without a context > ERR-05 a fault of another kind is thrown to the app, not answered',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request without a context > ERR-05 where no middleware ran, a 500 tells the developer, whoever asks',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'a request without a context > SEC-02 a URL that a person was sent to cannot write into the page',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'configuration > ERR-05 an empty scope is refused when the guard is made',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'configuration > ERR-05 an empty list is refused when the guard is made',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'configuration > ERR-05 what is no SMART scope is refused when the guard is made',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'configuration > ERR-05 a misspelt option is refused when the guard is made',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'behind a real login > ERR-05 RSP-12 the granted scope and context decide, not what was asked for',
    file: '/work/main/packages/core/test/guard.test.ts',
  },
  {
    name: 'what is found > the sandbox in mode smart has no finding',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'what is found > the sandbox in mode intelichart has no finding',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'what is found > as text: each source, the endpoints, the capabilities, the algorithms',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'what is found > a trailing slash and a query-less path stay as they are',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'what is found > --issuer names another authorization server',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'what is found > without an issuer it says how to name one',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: '--dialect knows where the vendor keeps its document',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'each problem, and what it means for the app > pkce_missing',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'each problem, and what it means for the app > pkce_without_s256',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'each problem, and what it means for the app > pkce_plain',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'each problem, and what it means for the app > relative_url',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'each problem, and what it means for the app > invalid_url',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'each problem, and what it means for the app > no_authorization_endpoint',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'each problem, and what it means for the app > no_capabilities',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'each problem, and what it means for the app > no_openid_members',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'each problem, and what it means for the app > no_client_credentials',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'each problem, and what it means for the app > algorithms',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'each problem, and what it means for the app > insecure_endpoint: the library does without the whole document',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'each problem, and what it means for the app > wrong_issuer',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'each problem, and what it means for the app > endpoints_differ: says which one is used',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'each problem, and what it means for the app > missing_document: the CapabilityStatement has to do',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'each problem, and what it means for the app > no_token_endpoint: with the failure of each source',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'each problem, and what it means for the app > redirect',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'each problem, and what it means for the app > not_json',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'each problem, and what it means for the app > content_type',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'each problem, and what it means for the app > reset',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'what is no FHIR base URL is refused before anything is sent > https://fhir.example.com/r4/.well-known/smart-configuration',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'what is no FHIR base URL is refused before anything is sent > https://fhir.example.com/r4/metadata',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'what is no FHIR base URL is refused before anything is sent > http://fhir.example.com/r4',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'what is no FHIR base URL is refused before anything is sent > fhir.example.com',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'what is no FHIR base URL is refused before anything is sent > https://fhir.example.com/r4?tenant=1',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'what is no FHIR base URL is refused before anything is sent > an unknown dialect',
    file: '/work/main/packages/cli/test/discover.test.ts',
  },
  {
    name: 'req.fhir > is an optional FhirContext for the type checker, in every handler of the app',
    file: '/work/main/packages/express/test/express.test.ts',
  },
  {
    name: 'req.fhir > is not there before the middleware, nor without a login',
    file: '/work/main/packages/express/test/express.test.ts',
  },
  {
    name: 'req.fhir > is the same object for each request, until there is a new token',
    file: '/work/main/packages/express/test/express.test.ts',
  },
  {
    name: 'errors > problems that are forwarded reach error middleware as FhirAuthError, each middleware for itself',
    file: '/work/main/packages/express/test/express.test.ts',
  },
  {
    name: "errors > Express's own error handler answers a forwarded problem with its status",
    file: '/work/main/packages/express/test/express.test.ts',
  },
  {
    name: 'errors > an answer that cannot be sent is an error of the request, and the process goes on',
    file: '/work/main/packages/express/test/express.test.ts',
  },
  {
    name: 'errors > a guard without a launch or a backend says which line is missing',
    file: '/work/main/packages/express/test/express.test.ts',
  },
  {
    name: 'errors > options that cannot work are refused where the middleware is made',
    file: '/work/main/packages/express/test/express.test.ts',
  },
  {
    name: 'mounting > on a router, it serves that router and leaves the others alone',
    file: '/work/main/packages/express/test/express.test.ts',
  },
  {
    name: 'mounting > two launches in one app have sessions of their own',
    file: '/work/main/packages/express/test/express.test.ts',
  },
  {
    name: 'mounting > a body that a parser has read before does not matter, and one that is read after is whole',
    file: '/work/main/packages/express/test/express.test.ts',
  },
  {
    name: 'mounting > a cookie that the app set before stays beside those of the launch',
    file: '/work/main/packages/express/test/express.test.ts',
  },
  {
    name: 'instances > one launch serves two apps: who is logged in at one is logged in at the other',
    file: '/work/main/packages/express/test/express.test.ts',
  },
  {
    name: 'instances > one backend serves requests and a job with the same token',
    file: '/work/main/packages/express/test/express.test.ts',
  },
  {
    name: 'metadata > is open and names the endpoints in oauth-uris, those that exist only',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'metadata > publishes revoke and introspect when there are such endpoints',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'access token > no header: 401 invalid_token',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'access token > an unknown token: 401 invalid_token',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'access token > another scheme: 401 invalid_token',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'access token > an empty token: 401 invalid_token',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'access token > a token in the query is not one',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'access token > the header is found in any spelling and the check may be asynchronous',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'data > is the same in every instance and has fixed dates',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'data > has valid, unique ids, and no reference leads nowhere',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'data > every patient has what a portal shows: each vital sign over time, conditions and medications',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'data > one Group holds all patients',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'read > gives the resource',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'read > 404 OperationOutcome: Patient/nobody',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'read > 404 OperationOutcome: Immunization',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'read > 404 OperationOutcome: Patient/a/b',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'read > 404 OperationOutcome: Patient/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'read > 404 OperationOutcome: ',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'read > 404 OperationOutcome: __proto__',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'read > 404 OperationOutcome: constructor',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'read > a path that is no path: 400',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'read > PUT is answered with 405',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'read > PATCH is answered with 405',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'read > DELETE is answered with 405',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > is a searchset with total, self link and full URLs below the base',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > nothing found: total 0 and no empty array',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > finds the resources of one patient by patient=X',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > finds the resources of one patient by subject=X',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > finds the resources of one patient by patient=Patient/X',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > finds the resources of one patient by subject=Patient/X',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > finds the resources of one patient by subject=http://127.0.0.1:4000/fhir/Patient/X',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > category and code filter with and without the system; several values mean "or", several parameters "and"',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > _id finds several',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > _sort orders by date both ways, and date narrows',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > pages of 1 lead through everything once, in order',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > pages of 7 lead through everything once, in order',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > pages of 50 lead through everything once, in order',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > pages of 200 lead through everything once, in order',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > pages of 100000 lead through everything once, in order',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > a page link says nothing about the search, and gives no more than the token that follows it',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > _count=0 gives the total alone',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > POST _search is the same search',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > 400 OperationOutcome: Patient?_count=-1',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > 400 OperationOutcome: Patient?_count=many',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > 400 OperationOutcome: Patient?_sort=date',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > 400 OperationOutcome: Observation?_sort=colour',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > 400 OperationOutcome: Observation?_page=nonsense',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > 400 OperationOutcome: Observation?_page=WyJQYXRpZW50IiwiIiwwXQ',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > 400 OperationOutcome: Observation?_page=WyJPYnNlcnZhdGlvbiIsIiIsLTVd',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > 400 OperationOutcome: Observation?patient=Practitioner/x',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > 400 OperationOutcome: Observation?patient=',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > 400 OperationOutcome: Observation?date=yesterday',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > 400 OperationOutcome: Observation?code:in=x',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > 400 OperationOutcome: Observation?patient.name=x',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'search > an unknown parameter is left out of the self link, or refused when the client is strict',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > patient/Observation.read: read 200, search 200, create 403',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > patient/Observation.write: read 403, search 403, create 400',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > patient/Observation.*: read 200, search 200, create 400',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > patient/*.read: read 200, search 200, create 403',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > patient/*.*: read 200, search 200, create 400',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > patient/*.cruds: read 200, search 200, create 400',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > user/Observation.rs: read 200, search 200, create 403',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > system/Observation.rs: read 200, search 200, create 403',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > patient/Observation.r: read 200, search 403, create 403',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > patient/Observation.s: read 403, search 200, create 403',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > patient/Observation.c: read 403, search 403, create 400',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > patient/Observation.r patient/Observation.s: read 200, search 200, create 403',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > http://smarthealthit.org/fhir/scopes/patient/Observation.rs: read 200, search 200, create 403',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > patient/Observation.sr: read 403, search 403, create 403',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > patient/Observation.: read 403, search 403, create 403',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > patient/Observation.rr: read 403, search 403, create 403',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > patient/Observation.readwrite: read 403, search 403, create 403',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > patient/observation.rs: read 403, search 403, create 403',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > patient/Patient.cruds: read 403, search 403, create 403',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > Observation.rs: read 403, search 403, create 403',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > openid fhirUser launch/patient offline_access: read 403, search 403, create 403',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > : read 403, search 403, create 403',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > a missing scope is named: 403 insufficient_scope',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > a patient/ scope sees one compartment only',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > a patient/ scope without a patient grants nothing',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > user/ and system/ scopes see every patient',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > a scope with a restriction narrows search, read and create to what matches',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > several scopes add up; a plain one beside a restricted one wins',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > a restriction that cannot be enforced grants nothing: code:in=http://example.org/set',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > a restriction that cannot be enforced grants nothing: _filter=x',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > a restriction that cannot be enforced grants nothing: colour=red',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > a restriction that cannot be enforced grants nothing: _count=5',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > a restriction that cannot be enforced grants nothing: patient=a/b',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scopes > a restriction that cannot be enforced grants nothing: constructor=x',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scope parser > never throws, whatever the text',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scope parser > takes a part of "cruds" in this order and no other arrangement',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scope parser > v1 words mean their v2 letters and take no restriction',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scope parser > an empty restriction is no scope: ?',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scope parser > an empty restriction is no scope: ?category',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scope parser > an empty restriction is no scope: ?category=',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'scope parser > an empty restriction is no scope: ?=x',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'create Observation > gives it an id of its own, and it is then found',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'create Observation > a patient/ scope writes for its own patient only',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'create Observation > another type: 400',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'create Observation > no status: 400',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'create Observation > no code: 400',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'create Observation > no subject: 400',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'create Observation > a subject that is not here: 400',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'create Observation > a subject elsewhere: 400',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'create Observation > not JSON: 400, not FHIR: 415, another type: 405',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'create Observation > elements of any shape never break a search',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'bulk export > Group/sandbox-cohort/$export: kick-off, two polls, manifest, files with all data',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'bulk export > Patient/$export: kick-off, two polls, manifest, files with all data',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'bulk export > Patient/%24export: kick-off, two polls, manifest, files with all data',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'bulk export > _type, _since and restricted scopes narrow what is exported',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'bulk export > needs system/ scopes that cover it, not user/*.cruds',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'bulk export > needs system/ scopes that cover it, not patient/*.rs',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'bulk export > needs system/ scopes that cover it, not system/Group.rs user/*.cruds',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'bulk export > needs system/ scopes that cover it, not system/Patient.c',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'bulk export > needs system/ scopes that cover it, not openid',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: "bulk export > 400: Patient/$export with { accept: 'application/fhir+json' }",
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: "bulk export > 400: Patient/$export with { prefer: 'respond-async' }",
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: "bulk export > 400: Patient/$export with { prefer: 'respond-async', accept: 'application/json' }",
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: "bulk export > 400: Patient/$export?_type=Colour with { prefer: 'respond-async', accept: 'application/fhir+json' }",
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: "bulk export > 400: Patient/$export?_type= with { prefer: 'respond-async', accept: 'application/fhir+json' }",
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: "bulk export > 400: Patient/$export?_since=yesterday with { prefer: 'respond-async', accept: 'application/fhir+json' }",
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: "bulk export > 400: Patient/$export?_outputFormat=csv with { prefer: 'respond-async', accept: 'application/fhir+json' }",
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'bulk export > an unknown Group: 404',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'bulk export > files need a token that still covers them, and are not there before the manifest',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: "bulk export > another client's export is not there",
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'bulk export > DELETE cancels: 202, then 404 for status and files',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'bulk export > other methods: 405',
    file: '/work/main/packages/sandbox/test/fhir-api.test.ts',
  },
  {
    name: 'Hono 4 on Node > standalone launch > AUTHZ-01 AUTHZ-02 AUTHZ-03 AUTHZ-04 login goes to the authorization endpoint with all that it needs',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > standalone launch > TOK-02 PKCE-02 PKCE-05 the code is exchanged once, with the verifier of its challenge and the client secret',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > standalone launch > RSP-06 IDT-06 the handler finds the patient and the person who logged in',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > standalone launch > RSP-11 fhir.fetch reads with the token in the Authorization header, and in no URL',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > standalone launch > CB-09 a person without a login gets to the page that was asked for, on a clean URL',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > standalone launch > CB-07 after login the browser goes to a path of this app, whatever returnTo says',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > EHR launch > EHR-02 the launch handle goes back to the EHR as it came, with the FHIR base URL as aud',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > EHR launch > EHR-02 RSP-06 RSP-07 the handler finds patient, encounter, intent, banner and user of the EHR',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > EHR launch > EHR-06 an EHR launch ends on a page that names its launch',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > EHR launch > EHR-01 a launch without iss or without launch is refused, and causes no request',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > EHR launch > EHR-03 SEC-08 an iss that is not registered is refused before any request goes out',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > EHR launch > EHR-04 no cache keeps what a launch is answered with, and no referrer tells of it',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > callback > CB-09 a good callback sets the session and redirects to a clean URL, unstored and without referrer',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > callback > CB-04 parameters that are not known are ignored',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > callback > STATE-02 PKCE-06 a state that is altered or missing is refused, and the code is not sent',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > callback > STATE-02 PKCE-03 a callback in another browser is refused, and the code is not sent',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > callback > STATE-03 TOK-06 a callback that is opened again is refused, and its code is not sent again',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > callback > STATE-03 of two callbacks at once, one exchanges the code',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > callback > STATE-04 a login that took too long is refused, and says so',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > callback > STATE-05 what is kept with the state cannot be changed or swapped by the browser',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > callback > CB-02 SEC-05 an iss of another server, or a missing one, is refused, and the code is not sent',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > callback > CB-05 a parameter that stands twice is refused, and the code is not sent',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > authorization errors > CB-06 ERR-04 a refusal by the person is told by its name',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > authorization errors > CB-06 SEC-02 ERR-07 an error is shown escaped, its link only when it is http',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > authorization errors > CB-06 an error with a wrong state is not shown',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > authorization errors > ERR-01 TOK-06 a code that the server refuses logs nobody in, and is not tried again',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > authorization errors > NONCE-01 IDT-01 an id_token with another nonce logs nobody in',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > authorization errors > a callback that failed offers a person to log in again',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > two tabs > EHR-06 two logins at once in one browser both complete, each with its own patient',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > two tabs > with two launches open, a request that names one in query or header gets that patient',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > two tabs > with two launches open, a link or a script of a page belongs to the launch of that page',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > two tabs > EHR-06 with two launches open, a page reached by a plain link gets its launch into its own address',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > two tabs > with two launches open, a request that names none is refused and not guessed',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > two tabs > a launch id of nobody, or of another browser, opens nothing',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > session cookie > SEC-03 an app on https sets cookies for its host alone, unseen by scripts, and opaque',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > session cookie > EHR-07 an app in a frame of the EHR sets cookies that are SameSite=None, Secure and Partitioned',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > session cookie > SEC-03 each cookie is a header of its own, and the one of the login goes when it is done',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > session cookie > SEC-04 the session id changes at login, and the old one opens nothing',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > session cookie > SEC-04 a session id that was planted in the browser is not taken up by a login',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > session cookie > SEC-03 a cookie that was made up opens nothing',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > session cookie > a request with a live session asks nobody and sets no cookie',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > session cookie > a session ends after its lifetime',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > guard > a program without a login gets 401 as problem+json',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > guard > a browser that opens a page without a login is sent to log in, and comes back to that page',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > guard > a script that asks for HTML is refused with 401, since a redirect would lead it nowhere',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > guard > a route without a guard is open, and has no context without a login',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > guard > SCP-04 a scope within what was granted passes',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > guard > SCP-10 ERR-05 a scope that was not granted is 403, named, and nothing is renewed or retried',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > guard > RSP-12 a context that the login did not bring is 403',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > guard > SEC-02 a person is refused by a page: not stored, and without script',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > guard > RSP-10 the token goes to no other server, and the handler is told so',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > guard > login, launch and callback take GET, logout takes POST',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > refresh > RFR-01 RFR-04 a token is renewed before it expires, once however many requests come, and nobody waits for it',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > refresh > RFR-04 requests with an expired token wait for one refresh, and all go on with the new token',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > refresh > RFR-03 a rotated refresh token replaces the old one, and none is used twice',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > refresh > RFR-06 patient, user and launch stay what they were',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > refresh > RFR-07 a refresh token that the server refuses ends the session',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > refresh > RFR-07 while the authorization server is down, a token that still lives serves on',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > refresh > RFR-07 while the authorization server is down, an expired token is 503 with Retry-After, and the session stays',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > refresh > ERR-05 a token that the FHIR server refuses is renewed once, and the request sent again',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > refresh > ERR-05 a 403 of the FHIR server is handed on, and nothing is renewed',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > refresh > without a refresh token the session ends with its token',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > logout > REV-01 logout ends the session here, revokes at the server and goes to its page',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > logout > logout from another origin is refused, and the session stays',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > logout > logout from a page of the app that hides its origin passes, since the browser vouches for it',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > logout > REV-03 a server that cannot be reached does not keep a person logged in',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > logout > logout without a session is no error',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > logout > logout ends one browser, and no other',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > backend > JWKS-02 JWKS-03 JWKS-04 JWKS-05 the public keys are served to anyone as plain JSON that may be cached',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > backend > JWKS-02 the JWKS takes no other method than GET',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > backend > BSV-01 JWT-05 JWT-06 a handler has the token of the app itself, got with an assertion that the JWKS verifies',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > backend > RSP-11 fhir.fetch of a job reads with its token',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > backend > BSV-08 however many requests wait for the token, it is asked for once',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > backend > BSV-09 a token that the FHIR server refuses is replaced once, and the request sent again',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > backend > ERR-01 BSV-12 a token that cannot be had stops guarded routes alone, and says why',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > backend > BSV-08 a token that still lives serves on while its server is down, even when a new one is due',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > backend > a backend token never replaces a person: who is not logged in gets no token of the system',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > backend > a backend token never replaces a person: who is logged in keeps their own context',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > backend > a backend token never replaces a person, also where backendServices() is mounted first',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > mounting > CB-09 an app below a path logs in there, and comes back to the page that was asked for',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > mounting > EHR-02 an app below a path is launched there by the EHR',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > mounting > an app below a path logs out there',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > mounting > JWKS-02 an app below a path serves its JWKS there, and gets its token',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > mounting > an app below a path answers nothing outside it',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > mounting > behind a proxy that strips a prefix, the browser is sent to where the proxy is',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > error path > a refused guard goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > error path > a refused callback goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > error path > a token that cannot be had goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > error path > what is no problem is answered as ever, where problems are forwarded',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > error path > problems are answered by the adapter, whatever error handler the app has',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > error path > the failure of a handler goes to the error handler of the app',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > error path > an error that nobody foresaw goes to the error handler of the app, from a guarded route alone',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > error path > an error that nobody foresaw goes to the error handler of the app, from the callback',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > error path > a session store that fails is 503 for guarded routes, without a word of its reason',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > isolation > SEC-07 requests of several people that are served at the same time each keep their own patient and token',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > isolation > SEC-07 a request without a login gets nothing of one that is served at the same time',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > isolation > SEC-07 logins of several people at the same time each end with their own patient',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > forwarded headers > AUTHZ-03 the redirect URI comes from the configuration, whatever host the request names',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > forwarded headers > CB-07 no redirect of the app leads to the host that a request names',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > forwarded headers > SEC-03 whether cookies are Secure is decided by the configuration, whatever scheme the request names',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > forwarded headers > the origin of a logout is compared with the configuration, whatever host the request names',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Hono 4 on Node > skips 0 cases',
    file: '/work/main/packages/hono/test/conformance.test.ts',
  },
  {
    name: 'Koa 3 > standalone launch > AUTHZ-01 AUTHZ-02 AUTHZ-03 AUTHZ-04 login goes to the authorization endpoint with all that it needs',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > standalone launch > TOK-02 PKCE-02 PKCE-05 the code is exchanged once, with the verifier of its challenge and the client secret',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > standalone launch > RSP-06 IDT-06 the handler finds the patient and the person who logged in',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > standalone launch > RSP-11 fhir.fetch reads with the token in the Authorization header, and in no URL',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > standalone launch > CB-09 a person without a login gets to the page that was asked for, on a clean URL',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > standalone launch > CB-07 after login the browser goes to a path of this app, whatever returnTo says',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > EHR launch > EHR-02 the launch handle goes back to the EHR as it came, with the FHIR base URL as aud',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > EHR launch > EHR-02 RSP-06 RSP-07 the handler finds patient, encounter, intent, banner and user of the EHR',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > EHR launch > EHR-06 an EHR launch ends on a page that names its launch',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > EHR launch > EHR-01 a launch without iss or without launch is refused, and causes no request',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > EHR launch > EHR-03 SEC-08 an iss that is not registered is refused before any request goes out',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > EHR launch > EHR-04 no cache keeps what a launch is answered with, and no referrer tells of it',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > callback > CB-09 a good callback sets the session and redirects to a clean URL, unstored and without referrer',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > callback > CB-04 parameters that are not known are ignored',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > callback > STATE-02 PKCE-06 a state that is altered or missing is refused, and the code is not sent',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > callback > STATE-02 PKCE-03 a callback in another browser is refused, and the code is not sent',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > callback > STATE-03 TOK-06 a callback that is opened again is refused, and its code is not sent again',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > callback > STATE-03 of two callbacks at once, one exchanges the code',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > callback > STATE-04 a login that took too long is refused, and says so',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > callback > STATE-05 what is kept with the state cannot be changed or swapped by the browser',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > callback > CB-02 SEC-05 an iss of another server, or a missing one, is refused, and the code is not sent',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > callback > CB-05 a parameter that stands twice is refused, and the code is not sent',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > authorization errors > CB-06 ERR-04 a refusal by the person is told by its name',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > authorization errors > CB-06 SEC-02 ERR-07 an error is shown escaped, its link only when it is http',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > authorization errors > CB-06 an error with a wrong state is not shown',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > authorization errors > ERR-01 TOK-06 a code that the server refuses logs nobody in, and is not tried again',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > authorization errors > NONCE-01 IDT-01 an id_token with another nonce logs nobody in',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > authorization errors > a callback that failed offers a person to log in again',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > two tabs > EHR-06 two logins at once in one browser both complete, each with its own patient',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > two tabs > with two launches open, a request that names one in query or header gets that patient',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > two tabs > with two launches open, a link or a script of a page belongs to the launch of that page',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > two tabs > EHR-06 with two launches open, a page reached by a plain link gets its launch into its own address',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > two tabs > with two launches open, a request that names none is refused and not guessed',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > two tabs > a launch id of nobody, or of another browser, opens nothing',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > session cookie > SEC-03 an app on https sets cookies for its host alone, unseen by scripts, and opaque',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > session cookie > EHR-07 an app in a frame of the EHR sets cookies that are SameSite=None, Secure and Partitioned',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > session cookie > SEC-03 each cookie is a header of its own, and the one of the login goes when it is done',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > session cookie > SEC-04 the session id changes at login, and the old one opens nothing',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > session cookie > SEC-04 a session id that was planted in the browser is not taken up by a login',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > session cookie > SEC-03 a cookie that was made up opens nothing',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > session cookie > a request with a live session asks nobody and sets no cookie',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > session cookie > a session ends after its lifetime',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > guard > a program without a login gets 401 as problem+json',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > guard > a browser that opens a page without a login is sent to log in, and comes back to that page',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > guard > a script that asks for HTML is refused with 401, since a redirect would lead it nowhere',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > guard > a route without a guard is open, and has no context without a login',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > guard > SCP-04 a scope within what was granted passes',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > guard > SCP-10 ERR-05 a scope that was not granted is 403, named, and nothing is renewed or retried',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > guard > RSP-12 a context that the login did not bring is 403',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > guard > SEC-02 a person is refused by a page: not stored, and without script',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > guard > RSP-10 the token goes to no other server, and the handler is told so',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > guard > login, launch and callback take GET, logout takes POST',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > refresh > RFR-01 RFR-04 a token is renewed before it expires, once however many requests come, and nobody waits for it',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > refresh > RFR-04 requests with an expired token wait for one refresh, and all go on with the new token',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > refresh > RFR-03 a rotated refresh token replaces the old one, and none is used twice',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > refresh > RFR-06 patient, user and launch stay what they were',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > refresh > RFR-07 a refresh token that the server refuses ends the session',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > refresh > RFR-07 while the authorization server is down, a token that still lives serves on',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > refresh > RFR-07 while the authorization server is down, an expired token is 503 with Retry-After, and the session stays',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > refresh > ERR-05 a token that the FHIR server refuses is renewed once, and the request sent again',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > refresh > ERR-05 a 403 of the FHIR server is handed on, and nothing is renewed',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > refresh > without a refresh token the session ends with its token',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > logout > REV-01 logout ends the session here, revokes at the server and goes to its page',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > logout > logout from another origin is refused, and the session stays',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > logout > logout from a page of the app that hides its origin passes, since the browser vouches for it',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > logout > REV-03 a server that cannot be reached does not keep a person logged in',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > logout > logout without a session is no error',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > logout > logout ends one browser, and no other',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > backend > JWKS-02 JWKS-03 JWKS-04 JWKS-05 the public keys are served to anyone as plain JSON that may be cached',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > backend > JWKS-02 the JWKS takes no other method than GET',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > backend > BSV-01 JWT-05 JWT-06 a handler has the token of the app itself, got with an assertion that the JWKS verifies',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > backend > RSP-11 fhir.fetch of a job reads with its token',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > backend > BSV-08 however many requests wait for the token, it is asked for once',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > backend > BSV-09 a token that the FHIR server refuses is replaced once, and the request sent again',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > backend > ERR-01 BSV-12 a token that cannot be had stops guarded routes alone, and says why',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > backend > BSV-08 a token that still lives serves on while its server is down, even when a new one is due',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > backend > a backend token never replaces a person: who is not logged in gets no token of the system',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > backend > a backend token never replaces a person: who is logged in keeps their own context',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > backend > a backend token never replaces a person, also where backendServices() is mounted first',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > mounting > CB-09 an app below a path logs in there, and comes back to the page that was asked for',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > mounting > EHR-02 an app below a path is launched there by the EHR',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > mounting > an app below a path logs out there',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > mounting > JWKS-02 an app below a path serves its JWKS there, and gets its token',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > mounting > an app below a path answers nothing outside it',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > mounting > behind a proxy that strips a prefix, the browser is sent to where the proxy is',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > error path > a refused guard goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > error path > a refused callback goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > error path > a token that cannot be had goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > error path > what is no problem is answered as ever, where problems are forwarded',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > error path > problems are answered by the adapter, whatever error handler the app has',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > error path > the failure of a handler goes to the error handler of the app',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > error path > an error that nobody foresaw goes to the error handler of the app, from a guarded route alone',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > error path > an error that nobody foresaw goes to the error handler of the app, from the callback',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > error path > a session store that fails is 503 for guarded routes, without a word of its reason',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > isolation > SEC-07 requests of several people that are served at the same time each keep their own patient and token',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > isolation > SEC-07 a request without a login gets nothing of one that is served at the same time',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > isolation > SEC-07 logins of several people at the same time each end with their own patient',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > forwarded headers > AUTHZ-03 the redirect URI comes from the configuration, whatever host the request names',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > forwarded headers > CB-07 no redirect of the app leads to the host that a request names',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > forwarded headers > SEC-03 whether cookies are Secure is decided by the configuration, whatever scheme the request names',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > forwarded headers > the origin of a logout is compared with the configuration, whatever host the request names',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'Koa 3 > skips 0 cases',
    file: '/work/main/packages/conformance/test/koa.test.ts',
  },
  {
    name: 'docs/intelichart.md > shows every request as the sandbox recorded it',
    file: '/work/main/apps/demo/test/intelichart-page.test.ts',
  },
  {
    name: 'the app imports no module of Node, so that it runs everywhere',
    file: '/work/main/apps/hono-edge/test/portal.test.ts',
  },
  {
    name: 'the portal on Node > runs > shows a patient who they are, and their own vital signs',
    file: '/work/main/apps/hono-edge/test/portal.test.ts',
  },
  {
    name: 'the portal on Node > runs > sends a person to log in, and a program away',
    file: '/work/main/apps/hono-edge/test/portal.test.ts',
  },
  {
    name: 'the portal on Node > runs > says so when the patient denies',
    file: '/work/main/apps/hono-edge/test/portal.test.ts',
  },
  {
    name: 'the portal on Node > runs > forgets who logs out',
    file: '/work/main/apps/hono-edge/test/portal.test.ts',
  },
  {
    name: 'the portal on Bun > runs > shows a patient who they are, and their own vital signs',
    file: '/work/main/apps/hono-edge/test/portal.test.ts',
  },
  {
    name: 'the portal on Bun > runs > sends a person to log in, and a program away',
    file: '/work/main/apps/hono-edge/test/portal.test.ts',
  },
  {
    name: 'the portal on Bun > runs > says so when the patient denies',
    file: '/work/main/apps/hono-edge/test/portal.test.ts',
  },
  {
    name: 'the portal on Bun > runs > forgets who logs out',
    file: '/work/main/apps/hono-edge/test/portal.test.ts',
  },
  {
    name: 'the portal on Deno > runs > shows a patient who they are, and their own vital signs',
    file: '/work/main/apps/hono-edge/test/portal.test.ts',
  },
  {
    name: 'the portal on Deno > runs > sends a person to log in, and a program away',
    file: '/work/main/apps/hono-edge/test/portal.test.ts',
  },
  {
    name: 'the portal on Deno > runs > says so when the patient denies',
    file: '/work/main/apps/hono-edge/test/portal.test.ts',
  },
  {
    name: 'the portal on Deno > runs > forgets who logs out',
    file: '/work/main/apps/hono-edge/test/portal.test.ts',
  },
  {
    name: 'the portal on workerd > runs > shows a patient who they are, and their own vital signs',
    file: '/work/main/apps/hono-edge/test/portal.test.ts',
  },
  {
    name: 'the portal on workerd > runs > sends a person to log in, and a program away',
    file: '/work/main/apps/hono-edge/test/portal.test.ts',
  },
  {
    name: 'the portal on workerd > runs > says so when the patient denies',
    file: '/work/main/apps/hono-edge/test/portal.test.ts',
  },
  {
    name: 'the portal on workerd > runs > forgets who logs out',
    file: '/work/main/apps/hono-edge/test/portal.test.ts',
  },
  {
    name: 'the portal in Chromium > logs in, shows its pages and logs out',
    file: '/work/main/apps/hono-edge/test/portal.test.ts',
  },
  {
    name: 'Fastify 5 > standalone launch > AUTHZ-01 AUTHZ-02 AUTHZ-03 AUTHZ-04 login goes to the authorization endpoint with all that it needs',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > standalone launch > TOK-02 PKCE-02 PKCE-05 the code is exchanged once, with the verifier of its challenge and the client secret',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > standalone launch > RSP-06 IDT-06 the handler finds the patient and the person who logged in',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > standalone launch > RSP-11 fhir.fetch reads with the token in the Authorization header, and in no URL',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > standalone launch > CB-09 a person without a login gets to the page that was asked for, on a clean URL',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > standalone launch > CB-07 after login the browser goes to a path of this app, whatever returnTo says',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > EHR launch > EHR-02 the launch handle goes back to the EHR as it came, with the FHIR base URL as aud',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > EHR launch > EHR-02 RSP-06 RSP-07 the handler finds patient, encounter, intent, banner and user of the EHR',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > EHR launch > EHR-06 an EHR launch ends on a page that names its launch',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > EHR launch > EHR-01 a launch without iss or without launch is refused, and causes no request',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > EHR launch > EHR-03 SEC-08 an iss that is not registered is refused before any request goes out',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > EHR launch > EHR-04 no cache keeps what a launch is answered with, and no referrer tells of it',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > callback > CB-09 a good callback sets the session and redirects to a clean URL, unstored and without referrer',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > callback > CB-04 parameters that are not known are ignored',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > callback > STATE-02 PKCE-06 a state that is altered or missing is refused, and the code is not sent',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > callback > STATE-02 PKCE-03 a callback in another browser is refused, and the code is not sent',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > callback > STATE-03 TOK-06 a callback that is opened again is refused, and its code is not sent again',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > callback > STATE-03 of two callbacks at once, one exchanges the code',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > callback > STATE-04 a login that took too long is refused, and says so',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > callback > STATE-05 what is kept with the state cannot be changed or swapped by the browser',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > callback > CB-02 SEC-05 an iss of another server, or a missing one, is refused, and the code is not sent',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > callback > CB-05 a parameter that stands twice is refused, and the code is not sent',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > authorization errors > CB-06 ERR-04 a refusal by the person is told by its name',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > authorization errors > CB-06 SEC-02 ERR-07 an error is shown escaped, its link only when it is http',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > authorization errors > CB-06 an error with a wrong state is not shown',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > authorization errors > ERR-01 TOK-06 a code that the server refuses logs nobody in, and is not tried again',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > authorization errors > NONCE-01 IDT-01 an id_token with another nonce logs nobody in',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > authorization errors > a callback that failed offers a person to log in again',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > two tabs > EHR-06 two logins at once in one browser both complete, each with its own patient',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > two tabs > with two launches open, a request that names one in query or header gets that patient',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > two tabs > with two launches open, a link or a script of a page belongs to the launch of that page',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > two tabs > EHR-06 with two launches open, a page reached by a plain link gets its launch into its own address',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > two tabs > with two launches open, a request that names none is refused and not guessed',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > two tabs > a launch id of nobody, or of another browser, opens nothing',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > session cookie > SEC-03 an app on https sets cookies for its host alone, unseen by scripts, and opaque',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > session cookie > EHR-07 an app in a frame of the EHR sets cookies that are SameSite=None, Secure and Partitioned',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > session cookie > SEC-03 each cookie is a header of its own, and the one of the login goes when it is done',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > session cookie > SEC-04 the session id changes at login, and the old one opens nothing',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > session cookie > SEC-04 a session id that was planted in the browser is not taken up by a login',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > session cookie > SEC-03 a cookie that was made up opens nothing',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > session cookie > a request with a live session asks nobody and sets no cookie',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > session cookie > a session ends after its lifetime',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > guard > a program without a login gets 401 as problem+json',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > guard > a browser that opens a page without a login is sent to log in, and comes back to that page',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > guard > a script that asks for HTML is refused with 401, since a redirect would lead it nowhere',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > guard > a route without a guard is open, and has no context without a login',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > guard > SCP-04 a scope within what was granted passes',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > guard > SCP-10 ERR-05 a scope that was not granted is 403, named, and nothing is renewed or retried',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > guard > RSP-12 a context that the login did not bring is 403',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > guard > SEC-02 a person is refused by a page: not stored, and without script',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > guard > RSP-10 the token goes to no other server, and the handler is told so',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > guard > login, launch and callback take GET, logout takes POST',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > refresh > RFR-01 RFR-04 a token is renewed before it expires, once however many requests come, and nobody waits for it',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > refresh > RFR-04 requests with an expired token wait for one refresh, and all go on with the new token',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > refresh > RFR-03 a rotated refresh token replaces the old one, and none is used twice',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > refresh > RFR-06 patient, user and launch stay what they were',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > refresh > RFR-07 a refresh token that the server refuses ends the session',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > refresh > RFR-07 while the authorization server is down, a token that still lives serves on',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > refresh > RFR-07 while the authorization server is down, an expired token is 503 with Retry-After, and the session stays',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > refresh > ERR-05 a token that the FHIR server refuses is renewed once, and the request sent again',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > refresh > ERR-05 a 403 of the FHIR server is handed on, and nothing is renewed',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > refresh > without a refresh token the session ends with its token',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > logout > REV-01 logout ends the session here, revokes at the server and goes to its page',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > logout > logout from another origin is refused, and the session stays',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > logout > logout from a page of the app that hides its origin passes, since the browser vouches for it',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > logout > REV-03 a server that cannot be reached does not keep a person logged in',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > logout > logout without a session is no error',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > logout > logout ends one browser, and no other',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > backend > JWKS-02 JWKS-03 JWKS-04 JWKS-05 the public keys are served to anyone as plain JSON that may be cached',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > backend > JWKS-02 the JWKS takes no other method than GET',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > backend > BSV-01 JWT-05 JWT-06 a handler has the token of the app itself, got with an assertion that the JWKS verifies',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > backend > RSP-11 fhir.fetch of a job reads with its token',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > backend > BSV-08 however many requests wait for the token, it is asked for once',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > backend > BSV-09 a token that the FHIR server refuses is replaced once, and the request sent again',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > backend > ERR-01 BSV-12 a token that cannot be had stops guarded routes alone, and says why',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > backend > BSV-08 a token that still lives serves on while its server is down, even when a new one is due',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > backend > a backend token never replaces a person: who is not logged in gets no token of the system',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > backend > a backend token never replaces a person: who is logged in keeps their own context',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > backend > a backend token never replaces a person, also where backendServices() is mounted first',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > mounting > CB-09 an app below a path logs in there, and comes back to the page that was asked for',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > mounting > EHR-02 an app below a path is launched there by the EHR',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > mounting > an app below a path logs out there',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > mounting > JWKS-02 an app below a path serves its JWKS there, and gets its token',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > mounting > an app below a path answers nothing outside it',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > mounting > behind a proxy that strips a prefix, the browser is sent to where the proxy is',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > error path > a refused guard goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > error path > a refused callback goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > error path > a token that cannot be had goes to the error handler of the app, where problems are forwarded',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > error path > what is no problem is answered as ever, where problems are forwarded',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > error path > problems are answered by the adapter, whatever error handler the app has',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > error path > the failure of a handler goes to the error handler of the app',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > error path > an error that nobody foresaw goes to the error handler of the app, from a guarded route alone',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > error path > an error that nobody foresaw goes to the error handler of the app, from the callback',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > error path > a session store that fails is 503 for guarded routes, without a word of its reason',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > isolation > SEC-07 requests of several people that are served at the same time each keep their own patient and token',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > isolation > SEC-07 a request without a login gets nothing of one that is served at the same time',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > isolation > SEC-07 logins of several people at the same time each end with their own patient',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > forwarded headers > AUTHZ-03 the redirect URI comes from the configuration, whatever host the request names',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > forwarded headers > CB-07 no redirect of the app leads to the host that a request names',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > forwarded headers > SEC-03 whether cookies are Secure is decided by the configuration, whatever scheme the request names',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > forwarded headers > the origin of a logout is compared with the configuration, whatever host the request names',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'Fastify 5 > skips 0 cases',
    file: '/work/main/packages/fastify/test/conformance.test.ts',
  },
  {
    name: 'JWKS-04 never is a private member published, whatever the private JWKS has in it, at no time and through no door',
    file: '/work/main/packages/core/test/backend/published-jwks.test.ts',
  },
  {
    name: 'JWKS-03 the max-age that servers are told fits the overlap: a copy is stale before a key in it has gone',
    file: '/work/main/packages/core/test/backend/published-jwks.test.ts',
  },
  {
    name: 'REV-01 INT-02 a backend token is revoked and introspected with the same keys; the next request gets a new one',
    file: '/work/main/packages/core/test/backend/revoked-token.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 reads patient/Observation.rs',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 reads user/*.cruds',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 reads system/Group.r',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 reads patient/Observation.cd',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 reads system/Encounter.cud',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 accepts exactly the 31 non-empty in-order subsets of cruds',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "patient/Observation." for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "patient/Observation" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "patient/Observation.sr" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "patient/Observation.dus" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "patient/Observation.rr" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "patient/Observation.rd " for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "patient/Observation.rx" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "patient/Observation.READ" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "patient/Observation.readwrite" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "patient/observation.rs" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "patient/.rs" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "patient/**.rs" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "Patient/Observation.rs" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "group/Observation.rs" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "xpatient/Observation.rs" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "patient/Observation.rs\\n" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "patient/Observation.rs?" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "patient/Observation.rs?category" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "patient/Observation.rs?category=" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "patient/Observation.rs?=laboratory" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "patient/Observation.rs?a=b&" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "patient/Observation.rs?a=b&&c=d" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "patient/Observation.rs?a=b c" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "patient/Observation.read?category=laboratory" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "patient/Observation.?category=laboratory" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 does not take "" for a resource scope',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-01 resource scope grammar > SCP-01 lets a malformed scope stand for itself alone',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-02 v1 suffixes > SCP-02 .read means .rs',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-02 v1 suffixes > SCP-02 .write means .cud',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-02 v1 suffixes > SCP-02 .* means .cruds',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-02 v1 suffixes > SCP-02 .read gives no delete',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-02 v1 suffixes > SCP-02 .write gives no read',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-03 interactions > SCP-03 c gives itself and no other interaction',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-03 interactions > SCP-03 r gives itself and no other interaction',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-03 interactions > SCP-03 u gives itself and no other interaction',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-03 interactions > SCP-03 d gives itself and no other interaction',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-03 interactions > SCP-03 s gives itself and no other interaction',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 SCP-10 tells what a grant of "patient/AllergyIntolerance.cruds" means',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 SCP-10 tells what a grant of "patient/AllergyIntolerance.rs patient/AllergyIntolerance.cud" means',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 SCP-10 tells what a grant of "patient/AllergyIntolerance.rs" means',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 SCP-10 tells what a grant of "patient/AllergyIntolerance.cud" means',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 SCP-10 tells what a grant of "patient/*.rs" means',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 SCP-10 tells what a grant of "patient/*.cruds" means',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 SCP-10 tells what a grant of "patient/Observation.rs" means',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 SCP-10 tells what a grant of "" means',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 granted "patient/*.rs", required "patient/Observation.read": true',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 granted "patient/*.read", required "patient/Observation.r": true',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 granted "patient/Observation.r patient/Observation.s", required "patient/Observation.rs": true',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 granted "patient/Observation.rs", required "patient/Observation.r patient/Observation.s": true',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 granted "patient/*.r patient/Observation.s", required "patient/Observation.rs": true',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 granted "patient/*.r patient/Observation.s", required "patient/*.rs": false',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 granted "patient/Observation.rs", required "patient/Condition.rs": false',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 granted "patient/Observation.rs", required "patient/*.rs": false',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 granted "patient/Observation.cruds patient/Condition.cruds", required "patient/*.r": false',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 granted "patient/*.read patient/*.write", required "patient/*.*": true',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 granted "user/*.cruds", required "patient/Observation.r": false',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 granted "patient/*.cruds", required "user/Observation.r": false',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 granted "system/*.cruds", required "user/Observation.r": false',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 granted "patient/*.r user/*.s", required "patient/Observation.rs": false',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 granted "openid patient/*.rs", required "openid patient/Patient.r": true',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 granted "patient/*.rs", required "openid patient/Patient.r": false',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 granted "", required "": true',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-04 union and equivalence > SCP-04 granted "patient/*.rs", required "": true',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-05 query-suffixed scopes > SCP-05 granted "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory", required "patient/Observation.rs": false',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-05 query-suffixed scopes > SCP-05 granted "patient/*.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory", required "patient/Observation.rs": false',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-05 query-suffixed scopes > SCP-05 granted "patient/Observation.rs?category=a patient/Observation.rs?category=b", required "patient/Observation.rs": false',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-05 query-suffixed scopes > SCP-05 granted "patient/Observation.rs", required "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory": true',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-05 query-suffixed scopes > SCP-05 granted "patient/*.read", required "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory": true',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-05 query-suffixed scopes > SCP-05 granted "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory", required "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory": true',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-05 query-suffixed scopes > SCP-05 granted "patient/*.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory", required "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory": true',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-05 query-suffixed scopes > SCP-05 granted "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory", required "patient/*.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory": false',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-05 query-suffixed scopes > SCP-05 granted "patient/Observation.rs?category=a", required "patient/Observation.rs?category=b": false',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-05 query-suffixed scopes > SCP-05 granted "patient/Observation.rs?category=a", required "patient/Observation.rs?code=a": false',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-05 query-suffixed scopes > SCP-05 granted "patient/Observation.rs?category=a", required "patient/Observation.rs?category=a&status=final": true',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-05 query-suffixed scopes > SCP-05 granted "patient/Observation.rs?status=final&category=a", required "patient/Observation.rs?category=a&status=final": true',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-05 query-suffixed scopes > SCP-05 granted "patient/Observation.rs?category=a&status=final", required "patient/Observation.rs?category=a": false',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-05 query-suffixed scopes > SCP-05 granted "patient/Observation.rs?category=a", required "patient/Observation.rs?category=a,b": false',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-05 query-suffixed scopes > SCP-05 granted "patient/Observation.r?a=1 patient/*.s?b=2", required "patient/Observation.rs?a=1&b=2": true',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-05 query-suffixed scopes > SCP-05 granted "patient/Observation.r?a=1 patient/*.s?b=2", required "patient/Observation.rs?a=1": false',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-05 query-suffixed scopes > SCP-05 granted "patient/Observation.r patient/Observation.s?a=1", required "patient/Observation.rs?a=1": true',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-05 query-suffixed scopes > SCP-05 granted "patient/Observation.r patient/Observation.s?a=1", required "patient/Observation.rs": false',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-05 query-suffixed scopes > SCP-05 granted "user/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory", required "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory": false',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-05 query-suffixed scopes > SCP-05 compares URL-encoded parameters as their decoded ones and keeps the text',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-05 query-suffixed scopes > SCP-05 an encoded separator stays inside its value',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-05 query-suffixed scopes > SCP-05 leaves a broken escape as it is',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-06 experimental search features > SCP-06 passes patient/Condition.rs?code:in=http://valueset.example.org/ValueSet/diabetes-codes through verbatim',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-06 experimental search features > SCP-06 passes user/Observation.rs?patient.birthdate=1990 through verbatim',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-06 experimental search features > SCP-06 passes user/Observation.rs?_filter=code%20eq%20http://loinc.org|1234-5 through verbatim',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-06 experimental search features > SCP-06 passes user/Patient.rs?_has:Observation:patient:code=1234-5 through verbatim',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-06 experimental search features > SCP-06 a modifier makes another parameter',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 launch is of kind launch',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 launch/patient is of kind launch',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 launch/encounter is of kind launch',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 launch/imagingstudy is of kind launch',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 launch/list?role=https://example.org/med-list-at-home is of kind launch',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 openid is of kind identity',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 fhirUser is of kind identity',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 profile is of kind identity',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 online_access is of kind refresh',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 offline_access is of kind refresh',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 __vendor.feature is of kind extension',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 __proto__ is of kind extension',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 https://ehr.example.com/scopes/admin is of kind extension',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 urn:example:scope is of kind extension',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 http://smarthealthit.org/fhir/scopes/ is of kind extension',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 http://smarthealthit.org/fhir/scopes/patient/Observation.sr is of kind extension',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 launch/ImagingStudy is of kind unknown',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 launch/ is of kind unknown',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 launch/list?role= is of kind unknown',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 launch/list?role=a&role=b is of kind unknown',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 fhiruser is of kind unknown',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 email is of kind unknown',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 __ is of kind unknown',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 constructor is of kind unknown',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 openid profile is of kind unknown',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 launch does not cover launch/patient',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 launch/patient does not cover launch',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 launch/list does not cover launch/list?role=https://example.org/home',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 launch/list?role=https://example.org/home does not cover launch/list',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 launch/list?role=https://example.org/home does not cover launch/list?role=https://example.org/hospital',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 profile does not cover fhirUser',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 offline_access does not cover online_access',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 https://ehr.example.com/scopes/admin does not cover https://ehr.example.com/scopes/Admin',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 user/*.cruds does not cover __vendor.feature',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 __proto__ is a scope like any other',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 constructor is a scope like any other',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 toString is a scope like any other',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-07 other scopes > SCP-07 hasOwnProperty is a scope like any other',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-08 the text of a scope set > SCP-08 has single spaces, no repetition, and the order as written',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-08 the text of a scope set > SCP-08 reads a list, even one with odd members',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-08 the text of a scope set > SCP-08 undefined is the empty set',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-08 the text of a scope set > SCP-08 "" is the empty set',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-08 the text of a scope set > SCP-08 " \\n " is the empty set',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-08 the text of a scope set > SCP-08 [] is the empty set',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-08 the text of a scope set > SCP-08 cannot be changed',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-10 granted against requested > SCP-10 lists what is missing and what is extra, in order and as written',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-10 granted against requested > SCP-10 finds nothing missing and nothing extra when a server answers in v1',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-10 granted against requested > SCP-10 answers alike for many different requirements, first asked or asked again',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-11 URI form > SCP-11 http://smarthealthit.org/fhir/scopes/',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-11 URI form > SCP-11 http://smarthealthit.org/FHIR/scopes/',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-11 URI form > SCP-11 https://smarthealthit.org/fhir/scopes/ is not the prefix',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-11 URI form > SCP-11 http://smarthealthit.org.example/fhir/scopes/ is not the prefix',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-11 URI form > SCP-11 x: is not the prefix',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-11 URI form > SCP-11 __vendor.feature has no SMART URI form',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-11 URI form > SCP-11 email has no SMART URI form',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-11 URI form > SCP-11 patient/Observation.sr has no SMART URI form',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'SCP-11 URI form > SCP-11 has() is literal otherwise',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'scope sets in general > SCP-04 SCP-05 covers exactly when everything required is allowed',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'scope sets in general > SCP-04 covers is reflexive',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'scope sets in general > SCP-04 covers is transitive',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'scope sets in general > SCP-04 one more granted scope never takes coverage away',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'scope sets in general > SCP-08 parsing its own text changes nothing',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'scope sets in general > SCP-10 missing and covers agree, and a scope is listed or missing',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'scope sets in general > SCP-01 never throws, whatever the text',
    file: '/work/main/packages/core/test/scopes.test.ts',
  },
  {
    name: 'smartLaunch > logs a person in, reads FHIR for them, and logs them out by a plain form',
    file: '/work/main/packages/hono/test/hono.test.ts',
  },
  {
    name: 'smartLaunch > works in a sub-app: the paths it answers are the whole ones',
    file: '/work/main/packages/hono/test/hono.test.ts',
  },
  {
    name: 'smartLaunch > works below app.mount(), which cuts the prefix off',
    file: '/work/main/packages/hono/test/hono.test.ts',
  },
  {
    name: 'smartLaunch > reads nothing from the host that the client names',
    file: '/work/main/packages/hono/test/hono.test.ts',
  },
  {
    name: 'smartLaunch > keeps the cookies and headers that the app sets on the same answer',
    file: '/work/main/packages/hono/test/hono.test.ts',
  },
  {
    name: 'smartLaunch > an answer has the content type of core, and none when it has no body',
    file: '/work/main/packages/hono/test/hono.test.ts',
  },
  {
    name: 'smartLaunch > takes an instance instead of options',
    file: '/work/main/packages/hono/test/hono.test.ts',
  },
  {
    name: 'smartLaunch > says what is wrong with its options at once',
    file: '/work/main/packages/hono/test/hono.test.ts',
  },
  {
    name: 'requireFhir > names what is missing when no middleware ran before it',
    file: '/work/main/packages/hono/test/hono.test.ts',
  },
  {
    name: "errors > with problems: 'forward' app.onError gets an HTTPException with the FhirAuthError and the answer",
    file: '/work/main/packages/hono/test/hono.test.ts',
  },
  {
    name: 'errors > without app.onError a forwarded problem is answered as it would have been',
    file: '/work/main/packages/hono/test/hono.test.ts',
  },
  {
    name: 'errors > what nobody expects goes to app.onError, and only for routes that need the token',
    file: '/work/main/packages/hono/test/hono.test.ts',
  },
  {
    name: 'backendServices > serves the JWKS and puts a system token in the context',
    file: '/work/main/packages/hono/test/hono.test.ts',
  },
  {
    name: 'backendServices > never gives a person the rights of the system',
    file: '/work/main/packages/hono/test/hono.test.ts',
  },
  {
    name: 'BSV-10 SCP-10 tells by event what was granted otherwise than asked for, whatever the listener does',
    file: '/work/main/packages/core/test/backend/events.test.ts',
  },
  {
    name: 'ERR-06 tells by event of a token request that failed, without a secret of it',
    file: '/work/main/packages/core/test/backend/events.test.ts',
  },
  {
    name: 'starts, prints its URLs, and stops',
    file: '/work/main/packages/sandbox/test/bin.test.ts',
  },
  {
    name: '--json prints one line for programs',
    file: '/work/main/packages/sandbox/test/bin.test.ts',
  },
  {
    name: '["--help"] ends with 0',
    file: '/work/main/packages/sandbox/test/bin.test.ts',
  },
  {
    name: '["--mode","other"] ends with 2',
    file: '/work/main/packages/sandbox/test/bin.test.ts',
  },
  {
    name: '["--fhir-port","x"] ends with 2',
    file: '/work/main/packages/sandbox/test/bin.test.ts',
  },
  {
    name: '["--secret","s"] ends with 2',
    file: '/work/main/packages/sandbox/test/bin.test.ts',
  },
  {
    name: '["--unknown"] ends with 2',
    file: '/work/main/packages/sandbox/test/bin.test.ts',
  },
  {
    name: 'BSV-08 a thousand callers at once make one request',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'BSV-08 a held token is served at once, without a promise',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'BSV-08 tokens of different keys never mix',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'BSV-08 a token is renewed once in the last minute or tenth of its life, while it keeps serving',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'BSV-06 BSV-08 a token of 5 s is fresh at 4.4 s, renewed in the background from 4.5 s, unusable at 4.9 s',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'BSV-06 BSV-08 a token of 30 s is fresh at 26.9 s, renewed in the background from 27 s, unusable at 29.4 s',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'BSV-06 BSV-08 a token of 300 s is fresh at 269 s, renewed in the background from 270 s, unusable at 295 s',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'BSV-06 BSV-08 a token of 3600 s is fresh at 3539 s, renewed in the background from 3540 s, unusable at 3595 s',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'BSV-11 a token that is still valid keeps serving while its renewal fails, and failures do not hammer',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'BSV-11 without a valid token the failure is given to all, and remembered for five seconds',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'BSV-11 Retry-After is honoured (30 s)',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'BSV-11 Retry-After of less than five seconds does not make it hammer (0 s)',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'BSV-11 Retry-After of a year does not stop it for longer than an hour (31536000 s)',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'BSV-11 an error of another kind becomes one of the library, with its cause',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'BSV-09 a refused token is dropped only while it is the one held',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'BSV-09 a token refused while its renewal runs is replaced by that renewal, not by another',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'BSV-08 jitter spreads the renewals of processes that began together: a token of 300 s is due from 255 s',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'BSV-08 jitter spreads the renewals of processes that began together: a token of 30 s is due from 25.5 s',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'BSV-08 jitter spreads the renewals of processes that began together: a token of 3600 s is due from 3510 s',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'BSV-08 whatever the lifetime and the jitter, each token serves for most of its life',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'BSV-08 the renewal in the background is handed to a runtime that would end it',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'BSV-08 a request is told which token it replaces: the one that is due, or was refused',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'BSV-09 a FHIR server that refuses every token costs one token request in five seconds, not one per call',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'BSV-09 a token that has served for a while is replaced at once when it is refused',
    file: '/work/main/packages/core/test/backend/token-cache.test.ts',
  },
  {
    name: 'a cookie goes to its host and path only, whatever the port',
    file: '/work/main/packages/sandbox/test/user-agent.test.ts',
  },
  {
    name: 'a domain cookie goes to subdomains; a foreign domain is refused',
    file: '/work/main/packages/sandbox/test/user-agent.test.ts',
  },
  {
    name: 'Secure cookies stay off http, but for loopback',
    file: '/work/main/packages/sandbox/test/user-agent.test.ts',
  },
  {
    name: 'SameSite: across sites Lax follows links, Strict does not, None goes everywhere',
    file: '/work/main/packages/sandbox/test/user-agent.test.ts',
  },
  {
    name: 'what a browser refuses is refused',
    file: '/work/main/packages/sandbox/test/user-agent.test.ts',
  },
  {
    name: 'a cookie is replaced, and ends by Max-Age or Expires',
    file: '/work/main/packages/sandbox/test/user-agent.test.ts',
  },
  {
    name: 'redirects are followed with cookies; 303 turns a post into a get, 307 does not',
    file: '/work/main/packages/sandbox/test/user-agent.test.ts',
  },
  {
    name: 'a loop of redirects ends; request follows none',
    file: '/work/main/packages/sandbox/test/user-agent.test.ts',
  },
  {
    name: 'a page is asked for as a browser does when it navigates; headers that are given go out as they are',
    file: '/work/main/packages/sandbox/test/user-agent.test.ts',
  },
  {
    name: 'every answer is in the history whole, and a response knows its URL',
    file: '/work/main/packages/sandbox/test/user-agent.test.ts',
  },
  {
    name: 'signIn stops before a URL that it is told of, and returns the redirect to it',
    file: '/work/main/packages/sandbox/test/user-agent.test.ts',
  },
  {
    name: 'a request ends when its signal says so, and fails where nobody listens',
    file: '/work/main/packages/sandbox/test/user-agent.test.ts',
  },
  {
    name: "signIn leaves other people's forms alone",
    file: '/work/main/packages/sandbox/test/user-agent.test.ts',
  },
  {
    name: 'docs/errors.md > ERR-01 lists exactly the codes there are, in their order, each with its status',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'docs/errors.md > ERR-01 says for each code what happened and what to do',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'docs/errors.md > ERR-01 has for each code the anchor to which a problem’s type leads',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'docs/errors.md > ERR-01 ERR-02 ERR-04 names the errors of RFC 6749 and what to do about each',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 invalid_option is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 invalid_key is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 insecure_url is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 network_error is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 timeout is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 unexpected_redirect is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 response_too_large is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 invalid_response is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 discovery_failed is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 missing_endpoint is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 unsupported_by_server is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 unknown_issuer is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 invalid_launch is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 invalid_callback is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 state_mismatch is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 transaction_expired is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 transaction_used is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 issuer_mismatch is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 authorization_denied is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 authorization_failed is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 token_request_refused is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 invalid_token_response is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 invalid_id_token is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 login_required is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 session_ended is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 insufficient_scope is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 missing_context is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 ambiguous_launch is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 cross_origin_request is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 method_not_allowed is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 session_store_failed is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 token_unavailable is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 url_outside_fhir_base is thrown somewhere',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'the codes > ERR-01 the list cannot be changed',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'FhirAuthError > ERR-01 carries code, status and what the authorization server said',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'FhirAuthError > ERR-01 can have a status of its own',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'FhirAuthError > ERR-01 has no cause where there is none',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'FhirAuthError > ERR-01 ERR-07 becomes problem details without members that are not there',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'FhirAuthError > ERR-01 wraps any other error once, and itself never',
    file: '/work/main/packages/core/test/errors.test.ts',
  },
  {
    name: 'what redisStore takes > not undefined in place of a client',
    file: '/work/main/packages/redis/test/redis-store.test.ts',
  },
  {
    name: 'what redisStore takes > not null in place of a client',
    file: '/work/main/packages/redis/test/redis-store.test.ts',
  },
  {
    name: 'what redisStore takes > not redis://127.0.0.1 in place of a client',
    file: '/work/main/packages/redis/test/redis-store.test.ts',
  },
  {
    name: 'what redisStore takes > not {} in place of a client',
    file: '/work/main/packages/redis/test/redis-store.test.ts',
  },
  {
    name: 'what redisStore takes > not Map{} in place of a client',
    file: '/work/main/packages/redis/test/redis-store.test.ts',
  },
  {
    name: 'what redisStore takes > no unknown option, and no prefix that cannot work',
    file: '/work/main/packages/redis/test/redis-store.test.ts',
  },
  {
    name: 'clients with settings of their own > redis that answers bytes in place of text, and text in place of numbers',
    file: '/work/main/packages/redis/test/redis-store.test.ts',
  },
  {
    name: 'clients with settings of their own > redis on RESP 2 with a key prefix: both prefixes count',
    file: '/work/main/packages/redis/test/redis-store.test.ts',
  },
  {
    name: 'clients with settings of their own > ioredis with text in place of numbers, automatic pipelines and a key prefix',
    file: '/work/main/packages/redis/test/redis-store.test.ts',
  },
  {
    name: 'with the settings that the README recommends > redis 6: a call fails while Redis is down, and works when it is back',
    file: '/work/main/packages/redis/test/redis-store.test.ts',
  },
  {
    name: 'with the settings that the README recommends > redis 6, a pool: a call fails while Redis is down, and works when it is back',
    file: '/work/main/packages/redis/test/redis-store.test.ts',
  },
  {
    name: 'with the settings that the README recommends > redis 5: a call fails while Redis is down, and works when it is back',
    file: '/work/main/packages/redis/test/redis-store.test.ts',
  },
  {
    name: 'with the settings that the README recommends > ioredis 6: a call fails while Redis is down, and works when it is back',
    file: '/work/main/packages/redis/test/redis-store.test.ts',
  },
  {
    name: 'with the settings that the README recommends > ioredis 5: a call fails while Redis is down, and works when it is back',
    file: '/work/main/packages/redis/test/redis-store.test.ts',
  },
  {
    name: 'what is loaded with core > is of jose what nearly every app needs at its start; the rest is loaded when first used',
    file: '/work/main/packages/core/test/import-cost.test.ts',
  },
  {
    name: 'what is loaded with core > is at most 80 modules of its own',
    file: '/work/main/packages/core/test/import-cost.test.ts',
  },
  {
    name: 'a whole login with client_secret_basic > ERR-06 nothing that can be seen of login, requests, refresh and logout holds a secret of theirs',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a whole login with client_secret_basic of RFC 6749 > ERR-06 nothing that can be seen of login, requests, refresh and logout holds a secret of theirs',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a whole login with client_secret_post > ERR-06 nothing that can be seen of login, requests, refresh and logout holds a secret of theirs',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a whole login with private_key_jwt > ERR-06 nothing that can be seen of login, requests, refresh and logout holds a secret of theirs',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a whole login with no secret > ERR-06 nothing that can be seen of login, requests, refresh and logout holds a secret of theirs',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a shared store > ERR-06 RFR-09 learns no secret: neither from keys nor from values',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a login that fails > ERR-06 shows no secret where the token endpoint fails',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a login that fails > ERR-06 shows no secret where the token endpoint is busy',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a login that fails > ERR-06 shows no secret where the token endpoint answers with a web page',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a login that fails > ERR-06 shows no secret where the token endpoint cuts the connection',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a login that fails > ERR-06 shows no secret where the token endpoint does not answer',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a login that fails > ERR-06 shows no secret where the token endpoint never ends',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a login that fails > ERR-06 shows no secret where the token endpoint redirects',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a login that fails > ERR-06 shows no secret where the token type is another one',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a login that fails > ERR-06 shows no secret where the access token cannot be sent',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a login that fails > ERR-06 shows no secret where the id_token is of another issuer',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a login that fails > ERR-06 shows no secret where the id_token is no JWT',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a login that fails > ERR-06 shows no secret where the keys cannot be had',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a login that fails > ERR-06 shows no secret where the callback has another state',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a login that fails > ERR-06 shows no secret where the callback has another issuer',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a login that fails > ERR-06 shows no secret where the callback has its code twice',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic > ERR-06 shows no secret of a login in an OAuth error',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic > ERR-06 shows no secret of a login as the OAuth error itself',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic > ERR-06 shows no secret of a login parameter by parameter',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic > ERR-06 shows no secret of a login on a web page',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic > ERR-06 shows no secret of a login as plain text with 200',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic > ERR-06 shows no secret of a login as JSON with 200',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic > ERR-06 shows no secret of a login as token type',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic > ERR-06 shows no secret of a login as id_token',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic > ERR-06 shows no secret of a login in a redirect',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic > ERR-06 shows no secret of a refresh, nor of a logout, in an OAuth error',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic > ERR-06 shows no secret of a refresh, nor of a logout, as the OAuth error itself',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic > ERR-06 shows no secret of a refresh, nor of a logout, parameter by parameter',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic > ERR-06 shows no secret of a refresh, nor of a logout, on a web page',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic > ERR-06 shows no secret of a refresh, nor of a logout, as plain text with 200',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic > ERR-06 shows no secret of a refresh, nor of a logout, as JSON with 200',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic > ERR-06 shows no secret of a refresh, nor of a logout, as token type',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic > ERR-06 shows no secret of a refresh, nor of a logout, as id_token',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic > ERR-06 shows no secret of a refresh, nor of a logout, in a redirect',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic > ERR-06 shows no secret where the answer is not even HTTP',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic of RFC 6749 > ERR-06 shows no secret of a login in an OAuth error',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic of RFC 6749 > ERR-06 shows no secret of a login as the OAuth error itself',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic of RFC 6749 > ERR-06 shows no secret of a login parameter by parameter',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic of RFC 6749 > ERR-06 shows no secret of a login on a web page',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic of RFC 6749 > ERR-06 shows no secret of a login as plain text with 200',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic of RFC 6749 > ERR-06 shows no secret of a login as JSON with 200',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic of RFC 6749 > ERR-06 shows no secret of a login as token type',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic of RFC 6749 > ERR-06 shows no secret of a login as id_token',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic of RFC 6749 > ERR-06 shows no secret of a login in a redirect',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic of RFC 6749 > ERR-06 shows no secret of a refresh, nor of a logout, in an OAuth error',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic of RFC 6749 > ERR-06 shows no secret of a refresh, nor of a logout, as the OAuth error itself',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic of RFC 6749 > ERR-06 shows no secret of a refresh, nor of a logout, parameter by parameter',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic of RFC 6749 > ERR-06 shows no secret of a refresh, nor of a logout, on a web page',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic of RFC 6749 > ERR-06 shows no secret of a refresh, nor of a logout, as plain text with 200',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic of RFC 6749 > ERR-06 shows no secret of a refresh, nor of a logout, as JSON with 200',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic of RFC 6749 > ERR-06 shows no secret of a refresh, nor of a logout, as token type',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic of RFC 6749 > ERR-06 shows no secret of a refresh, nor of a logout, as id_token',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic of RFC 6749 > ERR-06 shows no secret of a refresh, nor of a logout, in a redirect',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_basic of RFC 6749 > ERR-06 shows no secret where the answer is not even HTTP',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_post > ERR-06 shows no secret of a login in an OAuth error',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_post > ERR-06 shows no secret of a login as the OAuth error itself',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_post > ERR-06 shows no secret of a login parameter by parameter',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_post > ERR-06 shows no secret of a login on a web page',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_post > ERR-06 shows no secret of a login as plain text with 200',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_post > ERR-06 shows no secret of a login as JSON with 200',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_post > ERR-06 shows no secret of a login as token type',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_post > ERR-06 shows no secret of a login as id_token',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_post > ERR-06 shows no secret of a login in a redirect',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_post > ERR-06 shows no secret of a refresh, nor of a logout, in an OAuth error',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_post > ERR-06 shows no secret of a refresh, nor of a logout, as the OAuth error itself',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_post > ERR-06 shows no secret of a refresh, nor of a logout, parameter by parameter',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_post > ERR-06 shows no secret of a refresh, nor of a logout, on a web page',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_post > ERR-06 shows no secret of a refresh, nor of a logout, as plain text with 200',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_post > ERR-06 shows no secret of a refresh, nor of a logout, as JSON with 200',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_post > ERR-06 shows no secret of a refresh, nor of a logout, as token type',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_post > ERR-06 shows no secret of a refresh, nor of a logout, as id_token',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_post > ERR-06 shows no secret of a refresh, nor of a logout, in a redirect',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with client_secret_post > ERR-06 shows no secret where the answer is not even HTTP',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with private_key_jwt > ERR-06 shows no secret of a login in an OAuth error',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with private_key_jwt > ERR-06 shows no secret of a login as the OAuth error itself',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with private_key_jwt > ERR-06 shows no secret of a login parameter by parameter',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with private_key_jwt > ERR-06 shows no secret of a login on a web page',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with private_key_jwt > ERR-06 shows no secret of a login as plain text with 200',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with private_key_jwt > ERR-06 shows no secret of a login as JSON with 200',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with private_key_jwt > ERR-06 shows no secret of a login as token type',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with private_key_jwt > ERR-06 shows no secret of a login as id_token',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with private_key_jwt > ERR-06 shows no secret of a login in a redirect',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with private_key_jwt > ERR-06 shows no secret of a refresh, nor of a logout, in an OAuth error',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with private_key_jwt > ERR-06 shows no secret of a refresh, nor of a logout, as the OAuth error itself',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with private_key_jwt > ERR-06 shows no secret of a refresh, nor of a logout, parameter by parameter',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with private_key_jwt > ERR-06 shows no secret of a refresh, nor of a logout, on a web page',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with private_key_jwt > ERR-06 shows no secret of a refresh, nor of a logout, as plain text with 200',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with private_key_jwt > ERR-06 shows no secret of a refresh, nor of a logout, as JSON with 200',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with private_key_jwt > ERR-06 shows no secret of a refresh, nor of a logout, as token type',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with private_key_jwt > ERR-06 shows no secret of a refresh, nor of a logout, as id_token',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with private_key_jwt > ERR-06 shows no secret of a refresh, nor of a logout, in a redirect',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with private_key_jwt > ERR-06 shows no secret where the answer is not even HTTP',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with no secret > ERR-06 shows no secret of a login in an OAuth error',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with no secret > ERR-06 shows no secret of a login as the OAuth error itself',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with no secret > ERR-06 shows no secret of a login parameter by parameter',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with no secret > ERR-06 shows no secret of a login on a web page',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with no secret > ERR-06 shows no secret of a login as plain text with 200',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with no secret > ERR-06 shows no secret of a login as JSON with 200',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with no secret > ERR-06 shows no secret of a login as token type',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with no secret > ERR-06 shows no secret of a login as id_token',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with no secret > ERR-06 shows no secret of a login in a redirect',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with no secret > ERR-06 shows no secret of a refresh, nor of a logout, in an OAuth error',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with no secret > ERR-06 shows no secret of a refresh, nor of a logout, as the OAuth error itself',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with no secret > ERR-06 shows no secret of a refresh, nor of a logout, parameter by parameter',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with no secret > ERR-06 shows no secret of a refresh, nor of a logout, on a web page',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with no secret > ERR-06 shows no secret of a refresh, nor of a logout, as plain text with 200',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with no secret > ERR-06 shows no secret of a refresh, nor of a logout, as JSON with 200',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with no secret > ERR-06 shows no secret of a refresh, nor of a logout, as token type',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with no secret > ERR-06 shows no secret of a refresh, nor of a logout, as id_token',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with no secret > ERR-06 shows no secret of a refresh, nor of a logout, in a redirect',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a server that sends back what it got, from a client with no secret > ERR-06 shows no secret where the answer is not even HTTP',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a backend service > ERR-06 with private_key_jwt, neither it nor its context, its keys or its JWKS shows a secret',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a backend service > ERR-06 with client_secret_basic, neither it nor its context, its keys or its JWKS shows a secret',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a backend service > ERR-06 with client_secret_post, neither it nor its context, its keys or its JWKS shows a secret',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a backend service > ERR-06 no failure shows a secret where the server sends it back in an OAuth error',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a backend service > ERR-06 no failure shows a secret where the server sends it back as the OAuth error itself',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a backend service > ERR-06 no failure shows a secret where the server sends it back parameter by parameter',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a backend service > ERR-06 no failure shows a secret where the server sends it back on a web page',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a backend service > ERR-06 no failure shows a secret where the server sends it back as plain text with 200',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a backend service > ERR-06 no failure shows a secret where the server sends it back as JSON with 200',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a backend service > ERR-06 no failure shows a secret where the server sends it back as token type',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a backend service > ERR-06 no failure shows a secret where the server sends it back as id_token',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a backend service > ERR-06 no failure shows a secret where the server sends it back in a redirect',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'keys and options that are refused > ERR-06 a key that cannot be used is not shown',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'keys and options that are refused > ERR-06 an option that is refused does not show its secret',
    file: '/work/main/packages/core/test/secrets.test.ts',
  },
  {
    name: 'a case that passes is red all the same > but not with an app that keeps its secrets',
    file: '/work/main/packages/conformance/test/run-case.test.ts',
  },
  {
    name: 'a case that passes is red all the same > when a token is in a body',
    file: '/work/main/packages/conformance/test/run-case.test.ts',
  },
  {
    name: 'a case that passes is red all the same > when a token is in a body, percent-encoded',
    file: '/work/main/packages/conformance/test/run-case.test.ts',
  },
  {
    name: 'a case that passes is red all the same > when a token is in a header',
    file: '/work/main/packages/conformance/test/run-case.test.ts',
  },
  {
    name: 'a case that passes is red all the same > when a token is in a redirect within the app',
    file: '/work/main/packages/conformance/test/run-case.test.ts',
  },
  {
    name: 'a case that passes is red all the same > when a token is on the console',
    file: '/work/main/packages/conformance/test/run-case.test.ts',
  },
  {
    name: 'a case that passes is red all the same > when a token is in an error on the console',
    file: '/work/main/packages/conformance/test/run-case.test.ts',
  },
  {
    name: 'a case that passes is red all the same > when a token is on stdout',
    file: '/work/main/packages/conformance/test/run-case.test.ts',
  },
  {
    name: "a case that passes is red all the same > when a token is in the framework's log",
    file: '/work/main/packages/conformance/test/run-case.test.ts',
  },
  {
    name: 'a case that passes is red all the same > when a launch or its code, verifier, secret or handle is in a body',
    file: '/work/main/packages/conformance/test/run-case.test.ts',
  },
  {
    name: 'the cases > have a rule each, in plain words after the ids',
    file: '/work/main/packages/conformance/test/run-case.test.ts',
  },
  {
    name: 'the cases > that move the clock or bring a store need an app in this process',
    file: '/work/main/packages/conformance/test/run-case.test.ts',
  },
  {
    name: 'answerOfError > finds the error of the adapter, wrapped by the framework or not',
    file: '/work/main/packages/conformance/test/run-case.test.ts',
  },
  {
    name: 'answerOfError > is 500 for any other',
    file: '/work/main/packages/conformance/test/run-case.test.ts',
  },
  {
    name: 'a request with a live session goes on at once, with no promise, no cryptography and no Headers made',
    file: '/work/main/packages/express/test/hot-path.test.ts',
  },
  {
    name: 'smartLaunch > logs a person in, reads FHIR for them, and logs them out by a plain form',
    file: '/work/main/packages/fastify/test/fastify.test.ts',
  },
  {
    name: 'smartLaunch > answers its paths for every method, with or without a query',
    file: '/work/main/packages/fastify/test/fastify.test.ts',
  },
  {
    name: 'smartLaunch > what the router takes for one of its paths and core does not is not found',
    file: '/work/main/packages/fastify/test/fastify.test.ts',
  },
  {
    name: 'smartLaunch > keeps cookies that the app sets on the same answer',
    file: '/work/main/packages/fastify/test/fastify.test.ts',
  },
  {
    name: 'smartLaunch > an answer has the content type of core, and none when it has no body',
    file: '/work/main/packages/fastify/test/fastify.test.ts',
  },
  {
    name: 'smartLaunch > takes an instance instead of options',
    file: '/work/main/packages/fastify/test/fastify.test.ts',
  },
  {
    name: 'smartLaunch > says what is wrong with its options while the app gets ready',
    file: '/work/main/packages/fastify/test/fastify.test.ts',
  },
  {
    name: 'smartLaunch > what Fastify logs of its paths has no query, and so no authorization code',
    file: '/work/main/packages/fastify/test/fastify.test.ts',
  },
  {
    name: 'smartLaunch > can be asked for by name',
    file: '/work/main/packages/fastify/test/fastify.test.ts',
  },
  {
    name: 'encapsulation > two sibling scopes have registrations and sessions of their own',
    file: '/work/main/packages/fastify/test/fastify.test.ts',
  },
  {
    name: 'encapsulation > a scope within a scope may have its own registration, which wins there',
    file: '/work/main/packages/fastify/test/fastify.test.ts',
  },
  {
    name: 'encapsulation > a path outside of the prefix is refused, since no request for it would come',
    file: '/work/main/packages/fastify/test/fastify.test.ts',
  },
  {
    name: 'encapsulation > one instance can serve several scopes, whichever has its paths',
    file: '/work/main/packages/fastify/test/fastify.test.ts',
  },
  {
    name: 'requireFhir > names what is missing when no plugin covers the route',
    file: '/work/main/packages/fastify/test/fastify.test.ts',
  },
  {
    name: 'requireFhir > guards a whole scope as a hook',
    file: '/work/main/packages/fastify/test/fastify.test.ts',
  },
  {
    name: "errors > with problems: 'forward' the scope's error handler gets them as FhirAuthError",
    file: '/work/main/packages/fastify/test/fastify.test.ts',
  },
  {
    name: 'errors > without an error handler of the app, Fastify answers a forwarded problem with its status',
    file: '/work/main/packages/fastify/test/fastify.test.ts',
  },
  {
    name: 'errors > what nobody expects goes to the error handler, and only for routes that need the token',
    file: '/work/main/packages/fastify/test/fastify.test.ts',
  },
  {
    name: 'backendServices > serves the JWKS and puts a system token in the request',
    file: '/work/main/packages/fastify/test/fastify.test.ts',
  },
  {
    name: 'backendServices > never gives a person the rights of the system',
    file: '/work/main/packages/fastify/test/fastify.test.ts',
  },
  {
    name: 'a request with a live session goes on at once, with no promise, no cryptography and no Headers made',
    file: '/work/main/packages/fastify/test/hot-path.test.ts',
  },
  {
    name: 'a request with a live session goes on at once, with no promise, no cryptography and no Headers made',
    file: '/work/main/packages/hono/test/hot-path.test.ts',
  },
  {
    name: 'a request with a live session goes on at once, with no promise, no cryptography and no Headers made',
    file: '/work/main/packages/nest/test/hot-path.test.ts',
  },
  {
    name: 'an authorization request > AUTHZ-01 AUTHZ-04 has the parameters SMART requires and, standalone, no launch',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'an authorization request > AUTHZ-02 sends aud to the letter: https://ehr.example/fhir',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'an authorization request > AUTHZ-02 sends aud to the letter: https://ehr.example/fhir/',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'an authorization request > AUTHZ-02 sends aud to the letter: https://EHR.example:443/fhir//',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'an authorization request > AUTHZ-03 sends redirect_uri to the letter and keeps it for the token request: https://portal.example',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'an authorization request > AUTHZ-03 sends redirect_uri to the letter and keeps it for the token request: https://portal.example/callback/',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'an authorization request > AUTHZ-03 sends redirect_uri to the letter and keeps it for the token request: https://portal.example/callback?ehr=a%20b',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'an authorization request > AUTHZ-04 leaves the scope launch out of a standalone launch',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'an authorization request > AUTHZ-05 AUTHZ-09 asks for exactly the configured scopes, context scopes included, and for nothing else',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'an authorization request > AUTHZ-08 sends no parameter twice and none empty, whatever the dialect adds',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'an authorization request > AUTHZ-08 omits the scope rather than sending it empty',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'an authorization request > AUTHZ-10 sends no max_age',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'an authorization request > AUTHZ-11 sends resource only where the dialect says so, beside aud',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'an authorization request > AUTHZ-02 names the audience by the parameter of the dialect: aud',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'an authorization request > AUTHZ-02 names the audience by the parameter of the dialect: audience',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'an authorization request > AUTHZ-02 names the audience by the parameter of the dialect: both',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'an authorization request > AUTHZ-02 names the audience by the parameter of the dialect: none',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'an authorization request > AUTHZ-12 keeps the query of the authorization endpoint and appends to it',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'an authorization request > EHR-02 echoes launch unchanged, encoded once, and asks for the scope launch',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'an authorization request > EHR-02 EHR-05 asks for the scope launch once, and sends launch/patient along as a hint where configured',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'an authorization request > SEC-06 only ever asks for a code: a dialect cannot turn it into the implicit flow',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'an authorization request > fails without an authorization endpoint, naming the option that sets it',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > PKCE-03 PKCE-04 sends the challenge of the verifier that it keeps, a new one each time',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > PKCE-04 keeps no verifier where it sends no challenge',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > PKCE-05 a public client uses PKCE',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > PKCE-05 a confidential client uses PKCE',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > PKCE-06 STATE-01 always sends state, also with pkce: force',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > PKCE-06 STATE-01 always sends state, also with pkce: auto',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > PKCE-06 STATE-01 always sends state, also with pkce: off',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > PKCE-07 with the policy force and a server that lists ["S256"], PKCE is sent',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > PKCE-07 with the policy force and a server that lists undefined, PKCE is sent',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > PKCE-07 with the policy force and a server that lists [], PKCE is sent',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > PKCE-07 with the policy required and a server that lists ["S256"], PKCE is sent',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > PKCE-07 with the policy required and a server that lists undefined, PKCE is refused',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > PKCE-07 with the policy required and a server that lists [], PKCE is refused',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > PKCE-07 with the policy auto and a server that lists ["S256"], PKCE is sent',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > PKCE-07 with the policy auto and a server that lists ["plain","S256"], PKCE is sent',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > PKCE-07 with the policy auto and a server that lists undefined, PKCE is left out',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > PKCE-07 with the policy off and a server that lists ["S256"], PKCE is left out',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > PKCE-07 with the policy off and a server that lists ["plain"], PKCE is left out',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > PKCE-01 never falls back to plain, with the policy force',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > PKCE-01 never falls back to plain, with the policy required',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > PKCE-01 never falls back to plain, with the policy auto',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > NONCE-01 sends a nonce with openid and not without, a new one each time',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > NONCE-01 sends none where the dialect turns it off',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'PKCE, state and nonce in it > STATE-01 STATE-05 uses a state that is random alone: it carries nothing of the login',
    file: '/work/main/packages/core/test/oauth/authorization-request.test.ts',
  },
  {
    name: 'JWKS-06 a set that is loaded from a function follows it, without a restart',
    file: '/work/main/packages/core/test/client/key-reload.test.ts',
  },
  {
    name: 'JWKS-06 a thousand that need the keys at once read them once, and each gets the new ones',
    file: '/work/main/packages/core/test/client/key-reload.test.ts',
  },
  {
    name: 'JWKS-06 a source that fails, or gives what is no key, leaves the set as it is, and says so',
    file: '/work/main/packages/core/test/client/key-reload.test.ts',
  },
  {
    name: 'JWKS-06 a source that hangs holds nobody up for long, and what it says too late is not taken',
    file: '/work/main/packages/core/test/client/key-reload.test.ts',
  },
  {
    name: 'JWKS-06 signing and publishing read it again by themselves',
    file: '/work/main/packages/core/test/client/key-reload.test.ts',
  },
  {
    name: 'the session secret > RFR-09 is refused when it is missing, with what to do',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the session secret > RFR-09 is refused when it is null, with what to do',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the session secret > RFR-09 is refused when it is a number, with what to do',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the session secret > RFR-09 is refused when it is empty, with what to do',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the session secret > RFR-09 is refused when it is short, with what to do',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the session secret > RFR-09 is refused when it is monotonous, with what to do',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the session secret > RFR-09 is refused when it is of few characters, with what to do',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the session secret > RFR-09 is refused when it is an empty list, with what to do',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the session secret > RFR-09 is refused when it is a list with a hole, with what to do',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the session secret > RFR-09 is refused when it is a list with a weak one, with what to do',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the session secret > is refused when there is no session option at all',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > are taken as they should be, and left as they were',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > AUTHZ-03 are refused when misspelt, naming the right one: {"clientID":"x"}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > AUTHZ-03 are refused when misspelt, naming the right one: {"redirectUrl":"x"}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > AUTHZ-03 are refused when misspelt, naming the right one: {"scopes":"x"}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > AUTHZ-03 are refused when misspelt, naming the right one: {"sessions":{}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > AUTHZ-03 are refused when misspelt, naming the right one: {"timeout":5}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > AUTHZ-03 are refused when misspelt, naming the right one: {"afterLogout":"/bye"}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > AUTHZ-03 are refused when misspelt, naming the right one: {"session":{"secret":"doX1ZcdEzRqE+m9HOtvfkck19FVZjHpiiGUoYLnTsZc=","idle":5}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > AUTHZ-03 are refused when misspelt, naming the right one: {"paths":{"afterLogin":"/x"}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > AUTHZ-03 are refused when misspelt, naming the right one: {"somethingElse":1}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > AUTHZ-03 are refused when misspelt, naming the right one: {"session":{"secret":"sEzsCsGpdxDpQmSuQX2YZ8VJ1dH85rZJHGY4+3UnO3Q=","samesite":"lax"}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > AUTHZ-03 are refused when misspelt, naming the right one: {"session":{"secret":"eJy+EpUp6FFAF2kwcvsD2eikGRuXKXKW4EIAY+XzAmc=","lifetime":5}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > AUTHZ-03 are refused when misspelt, naming the right one: {"paths":{"signin":"/x"}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > AUTHZ-03 are refused when misspelt, naming the right one: {"paths":{"log_out":"/x"}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: fhirBaseUrl in {}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: fhirBaseUrl in {"fhirBaseUrl":"http://ehr.example/fhir"}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: fhirBaseUrl in {"fhirBaseUrl":"ehr.example/fhir"}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: fhirBaseUrl in {"fhirBaseUrl":"https://ehr.example/fhir?x=1"}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: fhirBaseUrl in {"fhirBaseUrl":"https://user:word@ehr.example/fhir"}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: clientId in {}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: clientId in {"clientId":" "}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: clientAuth in {"clientAuth":"a secret"}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: dialect in {"dialect":"intelichart"}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: scope in {}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: redirectUri in {}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: redirectUri in {"redirectUri":"/callback"}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: redirectUri in {"redirectUri":"http://portal.example/callback"}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: redirectUri in {"redirectUri":"https://portal.example/callback#x"}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: metadata.token_endpoint in {"metadata":{"token_endpoint":"http://auth.example/token"}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: session.sameSite in {"session":{"secret":"6ClKandOieiL0KEeHHFknsITAHXsMAPGQGBtjbdamS4=","sameSite":"strict"}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: session.cookieName in {"session":{"secret":"D2Xf7SjKlfigSajJo+Ue7fPFAbb8NC85jMXWsslMb+0=","cookieName":"a;b"}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: session.cookieName in {"session":{"secret":"/+McXg3Wb+H9ujoBlMBiqVdAM7wOFveuf3TzhGipPC4=","cookieName":"__Host-x"}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: session.lifetimeSeconds in {"session":{"secret":"XJq/ZP1w97gn9CEpmTgUlyyLBNp6AipMSSCS9UpoIH8=","lifetimeSeconds":0}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: session.lifetimeSeconds in {"session":{"secret":"vuTFZQd4MVcK5Z9rLiQ1Eu4I2oNfOwNQqwgbDnPt6PU=","lifetimeSeconds":"60"}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: session.idleSeconds in {"session":{"secret":"ui+CmRco/gtmKXL5vgxmbOc/cc8rHWkD/xqRsgSZl+c=","idleSeconds":0}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: session.storeTimeoutSeconds in {"session":{"secret":"WG+xqQJWTHuhYaVOrV4nmGHORroGTuvjlsXc1fuMRpI=","storeTimeoutSeconds":-1}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: swap in {"session":{"secret":"96wPGvO785s3Buu8zTpNIQmtKSnWb1cmLjoDJZB1Eqw=","store":{}}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: delete in {"session":{"secret":"867mIComcmXWvoYidv8JE2xJfVp1P6fXsQ+7xfhfKEs=","store":{}}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: session.store in {"session":{"secret":"6QqOdAXc8UlEeG7FkkyRkoGBL9k80F5KlWc3kVT9Adg=","store":null}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: loginTimeoutSeconds in {"loginTimeoutSeconds":-1}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: timeoutSeconds in {"timeoutSeconds":null}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: afterLogin in {"afterLogin":"/home"}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: afterRefresh in {"afterRefresh":true}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: onEvent in {"onEvent":{}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: paths.home in {"paths":{"home":"https://evil.example"}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: paths.home in {"paths":{"home":"//evil.example"}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: paths.loggedOut in {"paths":{"loggedOut":"bye"}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: paths.login in {"paths":{"login":"login"}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: paths.callback in {"paths":{"callback":"/other"}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: paths in {"paths":{"login":"/ehr/callback"}}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: registrations in {"registrations":[]}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-01 are refused by name when they make no sense: fhirBaseUrl in {"registrations":[{"fhirBaseUrl":"https://a.example","clientId":"portal","clientAuth":{"method":"none"}}]}',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > AUTHZ-09 have no default scope: an app asks for what it wrote, or does not start',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: "the options of a launch > EHR-07 allow sameSite 'none' for https only, since browsers refuse it otherwise",
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > SEC-05 refuse two registrations of one server, and callbacks of different paths',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the options of a launch > accept a memory store and a shared one',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the paths of a launch > are siblings of the callback',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the paths of a launch > can be set, or switched off',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the paths of a launch > are as the app sees them where a proxy strips a prefix; what a browser gets has it',
    file: '/work/main/packages/core/test/launch/options.test.ts',
  },
  {
    name: 'the memory store > keeps a session until its end and not longer',
    file: '/work/main/packages/core/test/launch/memory-store.test.ts',
  },
  {
    name: 'the memory store > drops the oldest session beyond its bound',
    file: '/work/main/packages/core/test/launch/memory-store.test.ts',
  },
  {
    name: 'the memory store > sweeps what has expired as new sessions come, so that it does not grow',
    file: '/work/main/packages/core/test/launch/memory-store.test.ts',
  },
  {
    name: 'the memory store > STATE-03 lets one owner claim a name, until its time is over or its owner gives it back',
    file: '/work/main/packages/core/test/launch/memory-store.test.ts',
  },
  {
    name: 'the memory store > lets the owner of a name renew its term',
    file: '/work/main/packages/core/test/launch/memory-store.test.ts',
  },
  {
    name: 'the memory store > hands a name on from its holder, told by a mark, and from nobody else',
    file: '/work/main/packages/core/test/launch/memory-store.test.ts',
  },
  {
    name: 'the memory store > sweeps claims that have run out as new ones come',
    file: '/work/main/packages/core/test/launch/memory-store.test.ts',
  },
  {
    name: 'the memory store > replaces a session only where it still is as it was read',
    file: '/work/main/packages/core/test/launch/memory-store.test.ts',
  },
  {
    name: 'the memory store > names the option that is wrong',
    file: '/work/main/packages/core/test/launch/memory-store.test.ts',
  },
  {
    name: 'an authorization response > gives its code',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'an authorization response > STATE-02 is refused with an altered state',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'an authorization response > STATE-02 is refused with an shortened state',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'an authorization response > STATE-02 is refused with an extended state',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'an authorization response > STATE-02 is refused without a state',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'an authorization response > STATE-02 is refused without a state',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'an authorization response > CB-05 is refused when code stands in it twice, even with the same value',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'an authorization response > CB-05 is refused when state stands in it twice, even with the same value',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'an authorization response > CB-05 is refused when iss stands in it twice, even with the same value',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'an authorization response > CB-05 is refused when error stands in it twice, even with the same value',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'an authorization response > CB-05 is refused when error_description stands in it twice, even with the same value',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'an authorization response > CB-05 is refused when error_uri stands in it twice, even with the same value',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'an authorization response > CB-04 may have parameters this library does not know, twice as well',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'an authorization response > is refused with neither code nor error',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'the issuer in it (RFC 9207) > CB-02 SEC-05 is right',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'the issuer in it (RFC 9207) > CB-02 SEC-05 is right and promised',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'the issuer in it (RFC 9207) > CB-02 SEC-05 is absent and not promised',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'the issuer in it (RFC 9207) > CB-02 SEC-05 is missing though promised',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: "the issuer in it (RFC 9207) > CB-02 SEC-05 is another server's",
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'the issuer in it (RFC 9207) > CB-02 SEC-05 is right but for a slash',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'the issuer in it (RFC 9207) > CB-02 SEC-05 is right but for case',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'the issuer in it (RFC 9207) > CB-02 SEC-05 is empty',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'the issuer in it (RFC 9207) > CB-03 is compared with the issuer of the authorization server, never with the FHIR base URL',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'the issuer in it (RFC 9207) > CB-03 is let pass where no issuer is known to compare it with',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'an error response > CB-06 is told apart from a denial, and keeps the fields of the server',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'an error response > CB-06 counts for nothing before the state is right',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'an error response > CB-06 loses an error_uri like javascript:alert(1)',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'an error response > CB-06 loses an error_uri like data:text/html,x',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'an error response > CB-06 loses an error_uri like not a url',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'an error response > CB-06 counts even when a code comes with it',
    file: '/work/main/packages/core/test/oauth/authorization-response.test.ts',
  },
  {
    name: 'docs/dialects.md > shows of each built-in dialect what it sets otherwise than smart(), and what it refuses',
    file: '/work/main/packages/core/test/dialects/dialects-page.test.ts',
  },
  {
    name: 'docs/dialects.md > explains every rule of a dialect, with the default of SMART',
    file: '/work/main/packages/core/test/dialects/dialects-page.test.ts',
  },
  {
    name: 'docs/dialects.md > covers every file of dialects/',
    file: '/work/main/packages/core/test/dialects/dialects-page.test.ts',
  },
  {
    name: 'one registration > has defaults, keeps the base URL to the letter, and is frozen',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > refuses {}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > refuses {"fhirBaseUrl":"ehr.example.com"}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > refuses {"fhirBaseUrl":"http://ehr.example.com"}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > refuses {"fhirBaseUrl":"https://ehr.example.com/fhir?tenant=1"}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > refuses {"fhirBaseUrl":"https://ehr.example.com/fhir#x"}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > refuses {"fhirBaseUrl":"https://user:pass@ehr.example.com"}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > refuses {}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > refuses {"clientId":""}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > refuses {"clientId":7}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > refuses {}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > refuses {"scope":" "}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > refuses {"clientAuth":"client_secret_basic"}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > refuses {"clientAuth":null}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > refuses {"dialect":"epic"}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > refuses {"dialect":null}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > refuses {"metadata":{"tokenEndpoint":"https://x"}}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > refuses {"metadata":{"token_endpoint":"http://as.example.com"}}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > refuses {"metadata":{"jwks_uri":"keys"}}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > DISC-14 plain http is for this machine: http://localhost:8080/fhir',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > DISC-14 plain http is for this machine: http://127.0.0.1/fhir',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > DISC-14 plain http is for this machine: http://[::1]:9/fhir',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > DISC-14 plain http is for this machine: http://ehr.localhost/fhir',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > leaves the object it was given alone',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'one registration > a dialect can refuse what its vendor cannot do',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'many registrations > are found by base URL, with or without its trailing slash, and by nothing else',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'many registrations > take scope and redirectUri from beside the list where they have none',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'many registrations > are refused as a whole: {"registrations":[]}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'many registrations > are refused as a whole: {"registrations":"x"}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'many registrations > are refused as a whole: {"registrations":[{"fhirBaseUrl":"https://ehr.example.com/fhir","clientId":"app","scope":"system/Patient.rs"},{"fhirBaseUrl":"https://ehr.example.com/fhir/","clientId":"app","scope":"system/Patient.rs"}]}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'many registrations > are refused as a whole: {"registrations":[{"fhirBaseUrl":"https://ehr.example.com/fhir","clientId":"app","scope":"system/Patient.rs"}],"clientId":"app"}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'many registrations > are refused as a whole: {"registrations":[{"fhirBaseUrl":"https://ehr.example.com/fhir","clientId":"app","scope":"system/Patient.rs","clientID":"x"}]}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'many registrations > are refused as a whole: {"registrations":[null]}',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'many registrations > may come from a function, checked when they come',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'many registrations > a function that answers with the registration of another server is not believed',
    file: '/work/main/packages/core/test/client/registration.test.ts',
  },
  {
    name: 'an authorization request by form > AUTHZ-06 has the endpoint, the parameters and a button for browsers without scripts',
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: 'an authorization request by form > AUTHZ-07 may run its own script by Content-Security-Policy, and no other',
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: 'an authorization request by form > AUTHZ-07 SEC-02 escapes every name and value: <script>alert(1)</script>',
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: 'an authorization request by form > AUTHZ-07 SEC-02 escapes every name and value: "><img src=x onerror=alert(1)>',
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: "an authorization request by form > AUTHZ-07 SEC-02 escapes every name and value: '><svg onload=alert(1)>",
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: 'an authorization request by form > AUTHZ-07 SEC-02 escapes every name and value: </title><script>alert(1)</script>',
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: 'an authorization request by form > AUTHZ-07 SEC-02 escapes every name and value: " autofocus onfocus="alert(1)',
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: 'an authorization request by form > AUTHZ-07 SEC-02 escapes every name and value: --><iframe srcdoc="x">',
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: 'an authorization request by form > AUTHZ-07 SEC-02 escapes every name and value: &lt;script&gt;alert(1)&lt;/script&gt;',
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: 'pages for a person > SEC-02 CB-06 escape what comes from outside: <script>alert(1)</script>',
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: 'pages for a person > SEC-02 CB-06 escape what comes from outside: "><img src=x onerror=alert(1)>',
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: "pages for a person > SEC-02 CB-06 escape what comes from outside: '><svg onload=alert(1)>",
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: 'pages for a person > SEC-02 CB-06 escape what comes from outside: </title><script>alert(1)</script>',
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: 'pages for a person > SEC-02 CB-06 escape what comes from outside: " autofocus onfocus="alert(1)',
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: 'pages for a person > SEC-02 CB-06 escape what comes from outside: --><iframe srcdoc="x">',
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: 'pages for a person > SEC-02 CB-06 escape what comes from outside: &lt;script&gt;alert(1)&lt;/script&gt;',
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: 'pages for a person > SEC-02 escape where to log in, and where to return to: <script>alert(1)</script>',
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: 'pages for a person > SEC-02 escape where to log in, and where to return to: "><img src=x onerror=alert(1)>',
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: "pages for a person > SEC-02 escape where to log in, and where to return to: '><svg onload=alert(1)>",
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: 'pages for a person > SEC-02 escape where to log in, and where to return to: </title><script>alert(1)</script>',
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: 'pages for a person > SEC-02 escape where to log in, and where to return to: " autofocus onfocus="alert(1)',
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: 'pages for a person > SEC-02 escape where to log in, and where to return to: --><iframe srcdoc="x">',
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: 'pages for a person > SEC-02 escape where to log in, and where to return to: &lt;script&gt;alert(1)&lt;/script&gt;',
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: 'pages for a person > CB-09 are not stored, and tell the next page nothing',
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: 'pages for a person > are problem+json for a program',
    file: '/work/main/packages/core/test/launch/pages.test.ts',
  },
  {
    name: 'a dialect is SMART but for what it says otherwise',
    file: '/work/main/packages/core/test/dialects/dialect.test.ts',
  },
  {
    name: 'a rule that is undefined leaves the one before it',
    file: '/work/main/packages/core/test/dialects/dialect.test.ts',
  },
  {
    name: 'can start from another dialect',
    file: '/work/main/packages/core/test/dialects/dialect.test.ts',
  },
  {
    name: 'is frozen in all its parts, and leaves the object it was given alone',
    file: '/work/main/packages/core/test/dialects/dialect.test.ts',
  },
  {
    name: 'JWT-09 a mistake in it is found when it is made: {"tokens":{}}',
    file: '/work/main/packages/core/test/dialects/dialect.test.ts',
  },
  {
    name: 'JWT-09 a mistake in it is found when it is made: {"authorization":{"PKCE":"off"}}',
    file: '/work/main/packages/core/test/dialects/dialect.test.ts',
  },
  {
    name: 'JWT-09 a mistake in it is found when it is made: {"assertion":{"audiance":"issuer"}}',
    file: '/work/main/packages/core/test/dialects/dialect.test.ts',
  },
  {
    name: 'JWT-09 a mistake in it is found when it is made: {"token":"always"}',
    file: '/work/main/packages/core/test/dialects/dialect.test.ts',
  },
  {
    name: 'TOK-05 TOK-03 JWT-04 JWT-08 JWT-09 adds nothing to what SMART App Launch 2.2 says',
    file: '/work/main/packages/core/test/dialects/smart.test.ts',
  },
  {
    name: 'TOK-03 single rules can be changed for a server that is almost right',
    file: '/work/main/packages/core/test/dialects/smart.test.ts',
  },
  {
    name: 'the adapter runs on Nest 11 here',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > a person > logs in, reads FHIR, and logs out by a plain form',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > a person > has no context where nobody is logged in, and an unguarded route answers all the same',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > a person > an instance made by core serves in place of options',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > FhirGuard > a program gets 401 as problem+json, not to be stored',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > FhirGuard > a browser is redirected to login, and comes back to the page with its query',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > FhirGuard > a scope or launch context that is not there is 403, as a page for a person',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > FhirGuard > decorators of a class, its base and its method add up, in any order',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > FhirGuard > a decorator guards by itself, also a whole controller',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > FhirGuard > guards a whole app as APP_GUARD',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > FhirGuard > lets nobody pass where no FhirAuthModule is imported',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > FhirGuard > refuses a handler that is not HTTP',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > problems > an exception filter of the app sees a Nest exception, and its answer keeps the headers',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > problems > of the auth paths are answered at once, whatever filters there are',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: "Nest 11 on express > problems > with 'forward' each goes to the app's filters, cookies and cause included",
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: "Nest 11 on express > problems > with 'forward' and no filter, Nest's own answers with status and problem",
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > problems > the exception carries the FhirAuthError as its cause',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > problems > an error of fhir.fetch in a handler is answered by its status: the session has ended meanwhile',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > problems > an error that is a mistake of the app is 500 without its words',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: "Nest 11 on express > problems > with 'forward' an error in a handler goes to the app's filters as it is",
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > problems > an error in a handler that is not HTTP is thrown on',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: "Nest 11 on express > problems > an unexpected error goes Nest's way, on an auth path and on a guarded route",
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > backend services > serve the JWKS and give each request the system token, and services an instance',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > backend services > a token that cannot be had is 503 or 502 with Retry-After, on guarded routes alone',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > backend services > never give a person the rights of the system',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > backend services > work where the compiler emits metadata, and nothing is injected by name',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > paths > lie under a global prefix as the redirect URI says',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > paths > lie outside a global prefix as the redirect URI says',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > paths > have the path under which the whole app is mounted before them',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > the module > takes its options from a provider of another module',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > the module > refuses to start without an option, or with one that cannot work',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > the module > a decorator refuses what is no scope when the class is defined',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > in tests of an app > SmartLaunch can be overridden with a person who is logged in',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on express > in tests of an app > FhirGuard can be overridden, with the decorators too',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > a person > logs in, reads FHIR, and logs out by a plain form',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > a person > has no context where nobody is logged in, and an unguarded route answers all the same',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > a person > an instance made by core serves in place of options',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > FhirGuard > a program gets 401 as problem+json, not to be stored',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > FhirGuard > a browser is redirected to login, and comes back to the page with its query',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > FhirGuard > a scope or launch context that is not there is 403, as a page for a person',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > FhirGuard > decorators of a class, its base and its method add up, in any order',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > FhirGuard > a decorator guards by itself, also a whole controller',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > FhirGuard > guards a whole app as APP_GUARD',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > FhirGuard > lets nobody pass where no FhirAuthModule is imported',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > FhirGuard > refuses a handler that is not HTTP',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > problems > an exception filter of the app sees a Nest exception, and its answer keeps the headers',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > problems > of the auth paths are answered at once, whatever filters there are',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: "Nest 11 on fastify > problems > with 'forward' each goes to the app's filters, cookies and cause included",
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: "Nest 11 on fastify > problems > with 'forward' and no filter, Nest's own answers with status and problem",
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > problems > the exception carries the FhirAuthError as its cause',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > problems > an error of fhir.fetch in a handler is answered by its status: the session has ended meanwhile',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > problems > an error that is a mistake of the app is 500 without its words',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: "Nest 11 on fastify > problems > with 'forward' an error in a handler goes to the app's filters as it is",
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > problems > an error in a handler that is not HTTP is thrown on',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: "Nest 11 on fastify > problems > an unexpected error goes Nest's way, on an auth path and on a guarded route",
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > backend services > serve the JWKS and give each request the system token, and services an instance',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > backend services > a token that cannot be had is 503 or 502 with Retry-After, on guarded routes alone',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > backend services > never give a person the rights of the system',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > backend services > work where the compiler emits metadata, and nothing is injected by name',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > paths > lie under a global prefix as the redirect URI says',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > paths > lie outside a global prefix as the redirect URI says',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > the module > takes its options from a provider of another module',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > the module > refuses to start without an option, or with one that cannot work',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > the module > a decorator refuses what is no scope when the class is defined',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > in tests of an app > SmartLaunch can be overridden with a person who is logged in',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 11 on fastify > in tests of an app > FhirGuard can be overridden, with the decorators too',
    file: '/work/main/packages/nest/test/nest-11.test.ts',
  },
  {
    name: 'Nest 12 on express > a person > logs in, reads FHIR, and logs out by a plain form',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > a person > has no context where nobody is logged in, and an unguarded route answers all the same',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > a person > an instance made by core serves in place of options',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > FhirGuard > a program gets 401 as problem+json, not to be stored',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > FhirGuard > a browser is redirected to login, and comes back to the page with its query',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > FhirGuard > a scope or launch context that is not there is 403, as a page for a person',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > FhirGuard > decorators of a class, its base and its method add up, in any order',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > FhirGuard > a decorator guards by itself, also a whole controller',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > FhirGuard > guards a whole app as APP_GUARD',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > FhirGuard > lets nobody pass where no FhirAuthModule is imported',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > FhirGuard > refuses a handler that is not HTTP',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > problems > an exception filter of the app sees a Nest exception, and its answer keeps the headers',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > problems > of the auth paths are answered at once, whatever filters there are',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: "Nest 12 on express > problems > with 'forward' each goes to the app's filters, cookies and cause included",
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: "Nest 12 on express > problems > with 'forward' and no filter, Nest's own answers with status and problem",
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > problems > the exception carries the FhirAuthError as its cause',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > problems > an error of fhir.fetch in a handler is answered by its status: the session has ended meanwhile',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > problems > an error that is a mistake of the app is 500 without its words',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: "Nest 12 on express > problems > with 'forward' an error in a handler goes to the app's filters as it is",
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > problems > an error in a handler that is not HTTP is thrown on',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: "Nest 12 on express > problems > an unexpected error goes Nest's way, on an auth path and on a guarded route",
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > backend services > serve the JWKS and give each request the system token, and services an instance',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > backend services > a token that cannot be had is 503 or 502 with Retry-After, on guarded routes alone',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > backend services > never give a person the rights of the system',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > backend services > work where the compiler emits metadata, and nothing is injected by name',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > paths > lie under a global prefix as the redirect URI says',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > paths > lie outside a global prefix as the redirect URI says',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > paths > have the path under which the whole app is mounted before them',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > the module > takes its options from a provider of another module',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > the module > refuses to start without an option, or with one that cannot work',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > the module > a decorator refuses what is no scope when the class is defined',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > in tests of an app > SmartLaunch can be overridden with a person who is logged in',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on express > in tests of an app > FhirGuard can be overridden, with the decorators too',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > a person > logs in, reads FHIR, and logs out by a plain form',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > a person > has no context where nobody is logged in, and an unguarded route answers all the same',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > a person > an instance made by core serves in place of options',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > FhirGuard > a program gets 401 as problem+json, not to be stored',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > FhirGuard > a browser is redirected to login, and comes back to the page with its query',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > FhirGuard > a scope or launch context that is not there is 403, as a page for a person',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > FhirGuard > decorators of a class, its base and its method add up, in any order',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > FhirGuard > a decorator guards by itself, also a whole controller',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > FhirGuard > guards a whole app as APP_GUARD',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > FhirGuard > lets nobody pass where no FhirAuthModule is imported',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > FhirGuard > refuses a handler that is not HTTP',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > problems > an exception filter of the app sees a Nest exception, and its answer keeps the headers',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > problems > of the auth paths are answered at once, whatever filters there are',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: "Nest 12 on fastify > problems > with 'forward' each goes to the app's filters, cookies and cause included",
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: "Nest 12 on fastify > problems > with 'forward' and no filter, Nest's own answers with status and problem",
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > problems > the exception carries the FhirAuthError as its cause',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > problems > an error of fhir.fetch in a handler is answered by its status: the session has ended meanwhile',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > problems > an error that is a mistake of the app is 500 without its words',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: "Nest 12 on fastify > problems > with 'forward' an error in a handler goes to the app's filters as it is",
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > problems > an error in a handler that is not HTTP is thrown on',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: "Nest 12 on fastify > problems > an unexpected error goes Nest's way, on an auth path and on a guarded route",
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > backend services > serve the JWKS and give each request the system token, and services an instance',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > backend services > a token that cannot be had is 503 or 502 with Retry-After, on guarded routes alone',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > backend services > never give a person the rights of the system',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > backend services > work where the compiler emits metadata, and nothing is injected by name',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > paths > lie under a global prefix as the redirect URI says',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > paths > lie outside a global prefix as the redirect URI says',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > the module > takes its options from a provider of another module',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > the module > refuses to start without an option, or with one that cannot work',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > the module > a decorator refuses what is no scope when the class is defined',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > in tests of an app > SmartLaunch can be overridden with a person who is logged in',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'Nest 12 on fastify > in tests of an app > FhirGuard can be overridden, with the decorators too',
    file: '/work/main/packages/nest/test/nest.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 6 > an unknown key has no value, and nothing happens to it',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 6 > a value is there for everybody, until it is replaced or removed',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 6 > a value comes back as it was: line ends and quotes',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 6 > a value comes back as it was: a NUL byte',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 6 > a value comes back as it was: every plane of Unicode',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 6 > a value comes back as it was: a number',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 6 > a value comes back as it was: 300,000 characters',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 6 > a swap from nothing writes only where nothing is',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 6 > a swap from a value writes only where exactly that is',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 6 > a key is removed by its owner alone',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 6 > of 100 swaps from nothing at once, one writes',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 6 > of 100 swaps from the same value at once, one writes',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 6 > a lock is held by one at a time, and each gives back only its own',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 6 > no change is lost when many read, compute and swap',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 6 > a value goes when its time is up, whichever way it came, and the last time counts',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 6 > another namespace sees and touches nothing of it',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 6 > keys lie on all nodes, and scripts run where they lie',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 6 > follows a slot that has moved to another node',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 5 > an unknown key has no value, and nothing happens to it',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 5 > a value is there for everybody, until it is replaced or removed',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 5 > a value comes back as it was: line ends and quotes',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 5 > a value comes back as it was: a NUL byte',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 5 > a value comes back as it was: every plane of Unicode',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 5 > a value comes back as it was: a number',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 5 > a value comes back as it was: 300,000 characters',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 5 > a swap from nothing writes only where nothing is',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 5 > a swap from a value writes only where exactly that is',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 5 > a key is removed by its owner alone',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 5 > of 100 swaps from nothing at once, one writes',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 5 > of 100 swaps from the same value at once, one writes',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 5 > a lock is held by one at a time, and each gives back only its own',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 5 > no change is lost when many read, compute and swap',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 5 > a value goes when its time is up, whichever way it came, and the last time counts',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 5 > another namespace sees and touches nothing of it',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 5 > keys lie on all nodes, and scripts run where they lie',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > redis 5 > follows a slot that has moved to another node',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 > an unknown key has no value, and nothing happens to it',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 > a value is there for everybody, until it is replaced or removed',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 > a value comes back as it was: line ends and quotes',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 > a value comes back as it was: a NUL byte',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 > a value comes back as it was: every plane of Unicode',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 > a value comes back as it was: a number',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 > a value comes back as it was: 300,000 characters',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 > a swap from nothing writes only where nothing is',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 > a swap from a value writes only where exactly that is',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 > a key is removed by its owner alone',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 > of 100 swaps from nothing at once, one writes',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 > of 100 swaps from the same value at once, one writes',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 > a lock is held by one at a time, and each gives back only its own',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 > no change is lost when many read, compute and swap',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 > a value goes when its time is up, whichever way it came, and the last time counts',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 > another namespace sees and touches nothing of it',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 > keys lie on all nodes, and scripts run where they lie',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 > follows a slot that has moved to another node',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 5 > an unknown key has no value, and nothing happens to it',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 5 > a value is there for everybody, until it is replaced or removed',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 5 > a value comes back as it was: line ends and quotes',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 5 > a value comes back as it was: a NUL byte',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 5 > a value comes back as it was: every plane of Unicode',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 5 > a value comes back as it was: a number',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 5 > a value comes back as it was: 300,000 characters',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 5 > a swap from nothing writes only where nothing is',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 5 > a swap from a value writes only where exactly that is',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 5 > a key is removed by its owner alone',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 5 > of 100 swaps from nothing at once, one writes',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 5 > of 100 swaps from the same value at once, one writes',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 5 > a lock is held by one at a time, and each gives back only its own',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 5 > no change is lost when many read, compute and swap',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 5 > a value goes when its time is up, whichever way it came, and the last time counts',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 5 > another namespace sees and touches nothing of it',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 5 > keys lie on all nodes, and scripts run where they lie',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 5 > follows a slot that has moved to another node',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 with automatic pipelines > an unknown key has no value, and nothing happens to it',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 with automatic pipelines > a value is there for everybody, until it is replaced or removed',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 with automatic pipelines > a value comes back as it was: line ends and quotes',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 with automatic pipelines > a value comes back as it was: a NUL byte',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 with automatic pipelines > a value comes back as it was: every plane of Unicode',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 with automatic pipelines > a value comes back as it was: a number',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 with automatic pipelines > a value comes back as it was: 300,000 characters',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 with automatic pipelines > a swap from nothing writes only where nothing is',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 with automatic pipelines > a swap from a value writes only where exactly that is',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 with automatic pipelines > a key is removed by its owner alone',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 with automatic pipelines > of 100 swaps from nothing at once, one writes',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 with automatic pipelines > of 100 swaps from the same value at once, one writes',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 with automatic pipelines > a lock is held by one at a time, and each gives back only its own',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 with automatic pipelines > no change is lost when many read, compute and swap',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 with automatic pipelines > a value goes when its time is up, whichever way it came, and the last time counts',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 with automatic pipelines > another namespace sees and touches nothing of it',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 with automatic pipelines > keys lie on all nodes, and scripts run where they lie',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'a Redis Cluster of three nodes > ioredis 6 with automatic pipelines > follows a slot that has moved to another node',
    file: '/work/main/packages/redis/test/cluster.test.ts',
  },
  {
    name: 'one Redis > redis 6 > an unknown key has no value, and nothing happens to it',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6 > a value is there for everybody, until it is replaced or removed',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6 > a value comes back as it was: line ends and quotes',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6 > a value comes back as it was: a NUL byte',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6 > a value comes back as it was: every plane of Unicode',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6 > a value comes back as it was: a number',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6 > a value comes back as it was: 300,000 characters',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6 > a swap from nothing writes only where nothing is',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6 > a swap from a value writes only where exactly that is',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6 > a key is removed by its owner alone',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6 > of 100 swaps from nothing at once, one writes',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6 > of 100 swaps from the same value at once, one writes',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6 > a lock is held by one at a time, and each gives back only its own',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6 > no change is lost when many read, compute and swap',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6 > a value goes when its time is up, whichever way it came, and the last time counts',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6 > another namespace sees and touches nothing of it',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6 > goes on when the server has forgotten its scripts',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6 > leaves no key without an end, and none past its prefix',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6 > an error of Redis comes through as it is',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6, a pool > an unknown key has no value, and nothing happens to it',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6, a pool > a value is there for everybody, until it is replaced or removed',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6, a pool > a value comes back as it was: line ends and quotes',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6, a pool > a value comes back as it was: a NUL byte',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6, a pool > a value comes back as it was: every plane of Unicode',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6, a pool > a value comes back as it was: a number',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6, a pool > a value comes back as it was: 300,000 characters',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6, a pool > a swap from nothing writes only where nothing is',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6, a pool > a swap from a value writes only where exactly that is',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6, a pool > a key is removed by its owner alone',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6, a pool > of 100 swaps from nothing at once, one writes',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6, a pool > of 100 swaps from the same value at once, one writes',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6, a pool > a lock is held by one at a time, and each gives back only its own',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6, a pool > no change is lost when many read, compute and swap',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6, a pool > a value goes when its time is up, whichever way it came, and the last time counts',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6, a pool > another namespace sees and touches nothing of it',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6, a pool > goes on when the server has forgotten its scripts',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6, a pool > leaves no key without an end, and none past its prefix',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 6, a pool > an error of Redis comes through as it is',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 5 > an unknown key has no value, and nothing happens to it',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 5 > a value is there for everybody, until it is replaced or removed',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 5 > a value comes back as it was: line ends and quotes',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 5 > a value comes back as it was: a NUL byte',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 5 > a value comes back as it was: every plane of Unicode',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 5 > a value comes back as it was: a number',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 5 > a value comes back as it was: 300,000 characters',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 5 > a swap from nothing writes only where nothing is',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 5 > a swap from a value writes only where exactly that is',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 5 > a key is removed by its owner alone',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 5 > of 100 swaps from nothing at once, one writes',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 5 > of 100 swaps from the same value at once, one writes',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 5 > a lock is held by one at a time, and each gives back only its own',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 5 > no change is lost when many read, compute and swap',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 5 > a value goes when its time is up, whichever way it came, and the last time counts',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 5 > another namespace sees and touches nothing of it',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 5 > goes on when the server has forgotten its scripts',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 5 > leaves no key without an end, and none past its prefix',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > redis 5 > an error of Redis comes through as it is',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 6 > an unknown key has no value, and nothing happens to it',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 6 > a value is there for everybody, until it is replaced or removed',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 6 > a value comes back as it was: line ends and quotes',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 6 > a value comes back as it was: a NUL byte',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 6 > a value comes back as it was: every plane of Unicode',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 6 > a value comes back as it was: a number',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 6 > a value comes back as it was: 300,000 characters',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 6 > a swap from nothing writes only where nothing is',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 6 > a swap from a value writes only where exactly that is',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 6 > a key is removed by its owner alone',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 6 > of 100 swaps from nothing at once, one writes',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 6 > of 100 swaps from the same value at once, one writes',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 6 > a lock is held by one at a time, and each gives back only its own',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 6 > no change is lost when many read, compute and swap',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 6 > a value goes when its time is up, whichever way it came, and the last time counts',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 6 > another namespace sees and touches nothing of it',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 6 > goes on when the server has forgotten its scripts',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 6 > leaves no key without an end, and none past its prefix',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 6 > an error of Redis comes through as it is',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 5 > an unknown key has no value, and nothing happens to it',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 5 > a value is there for everybody, until it is replaced or removed',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 5 > a value comes back as it was: line ends and quotes',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 5 > a value comes back as it was: a NUL byte',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 5 > a value comes back as it was: every plane of Unicode',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 5 > a value comes back as it was: a number',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 5 > a value comes back as it was: 300,000 characters',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 5 > a swap from nothing writes only where nothing is',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 5 > a swap from a value writes only where exactly that is',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 5 > a key is removed by its owner alone',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 5 > of 100 swaps from nothing at once, one writes',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 5 > of 100 swaps from the same value at once, one writes',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 5 > a lock is held by one at a time, and each gives back only its own',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 5 > no change is lost when many read, compute and swap',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 5 > a value goes when its time is up, whichever way it came, and the last time counts',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 5 > another namespace sees and touches nothing of it',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 5 > goes on when the server has forgotten its scripts',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 5 > leaves no key without an end, and none past its prefix',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'one Redis > ioredis 5 > an error of Redis comes through as it is',
    file: '/work/main/packages/redis/test/contract.test.ts',
  },
  {
    name: 'sessions of an app with two instances > whoever has logged in at one is known at the other, and logged out at both',
    file: '/work/main/packages/redis/test/sessions.test.ts',
  },
  {
    name: 'sessions of an app with two instances > Redis sees no cookie and no token, and keeps nothing without an end',
    file: '/work/main/packages/redis/test/sessions.test.ts',
  },
  {
    name: 'sessions of an app with two instances > a request asks Redis once',
    file: '/work/main/packages/redis/test/sessions.test.ts',
  },
  {
    name: 'several processes on one Redis > RFR-04 renew each token by one refresh, and lose nobody',
    file: '/work/main/packages/redis/test/reliability/reliability.test.ts',
  },
  {
    name: 'several processes on one Redis > RFR-04 go on when one is killed again and again: whose refresh it had begun logs in again, nobody else',
    file: '/work/main/packages/redis/test/reliability/reliability.test.ts',
  },
  {
    name: 'several processes on one Redis > RFR-03 RFR-07 answer or say when to come again while Redis stands still for 6 s, and lose nobody',
    file: '/work/main/packages/redis/test/reliability/reliability.test.ts',
  },
  {
    name: 'several processes on one Redis > RFR-03 RFR-07 answer or say when to come again while Redis is killed and restarted, and lose nobody',
    file: '/work/main/packages/redis/test/reliability/reliability.test.ts',
  },
  {
    name: 'a late answer of the authorization server > RFR-04 later than the term of the lock is waited for: its holder lives, and nobody refreshes beside it',
    file: '/work/main/packages/redis/test/reliability/reliability.test.ts',
  },
  {
    name: 'a late answer of the authorization server > RFR-07 later than the time limit costs the session, where the server has rotated the token: a login',
    file: '/work/main/packages/redis/test/reliability/reliability.test.ts',
  },
  {
    name: 'a late answer of the authorization server > after its process stood still costs the session, where another one has taken the lock: a login',
    file: '/work/main/packages/redis/test/reliability/reliability.test.ts',
  },
]
