// What vue/server-renderer names of Node's types.
declare module "node:stream" {
  export class Readable {}
  export class Writable {}
}
