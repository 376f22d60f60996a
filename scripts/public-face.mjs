// Writes `public-face.txt` of every package that is published: each name that it exports, with its signature, and the
// types that those are made of. So a review sees each change of what users can write.
//
//   pnpm public-face

import { writeFileSync } from 'node:fs'
import { publicFaces } from './public-face/public-faces.mjs'

for (const { file, text } of publicFaces()) writeFileSync(file, text)
