function D(i){let t=new URL(i,De());return t.protocol=t.protocol.replace(/^http/,"ws"),t.href}function U(){return globalThis.document?.querySelector?.("script[data-realtime-url]")?.getAttribute("data-realtime-url")??"/ws/"}function De(){let{document:i,location:t}=globalThis;return(i?.baseURI||t?.href)?.replace(/^blob:(?=\w+:)/,"")}function vt(i=globalThis.window){if(!i?.parent||i.parent===i)return"";let{parent:t}=i,e=0;for(;e<t.length&&t[e]!==i;)e+=1;return`${vt(t)}/${e}`}function E(i){return{WebSocket:globalThis.WebSocket,now:()=>performance.now(),wall:()=>Date.now(),setTimeout:(t,e)=>setTimeout(t,e),clearTimeout:t=>clearTimeout(t),random:Math.random,storage:$t("sessionStorage"),local:$t("localStorage"),window:globalThis.window??jt(),document:globalThis.document??null,network:globalThis.navigator?.connection??null,policy:globalThis.document??jt(),...i}}function $t(i){if(!globalThis.window)return null;try{return globalThis[i]??null}catch{return null}}function jt(){return typeof globalThis.addEventListener=="function"?globalThis:null}var A=class{#t=0;#e=!0;#i=3e4;#s=0;get attemptMs(){let t=Math.max(1e4,5*this.#t);return Math.min(6e4,t*2**this.#s)}answerMs(t){return Math.max(t,Math.min(this.#i,2*this.#t))}p(){this.#s+=1}t({pong_timeout:t,max_missed:e=3},s){this.#i=t*e,this.#s=0,this.#t=s,this.#e=!0}s(t){let e=this.#e?0:this.#t;this.#e=!1,this.#t=Math.max(t,(e+t)/2)}};var $=Object.freeze({base:1e3,factor:2,cap:3e4,jitter:1,maxAttempts:1/0});function j(i,{base:t,factor:e,cap:s,jitter:n},r){return Math.min(s,t*e**i)*(1-n*r())}function Tt(i,t){let[e,s]=Array.isArray(i)?i:[];return e>=0&&s>=e&&s<1/0?e+(s-e)*t():null}var Ue=Object.freeze({1e3:"normal closure",1001:"server shutting down",1005:"connection closed",1006:"connection lost",1011:"server error",1012:"server restarting",4006:"page frozen"}),$e=new Set([1001,1012,4001,4002,4003,4007,4008]),je=new Set([4002]),qe=new Set([1001,1012,4001]),Be=new Set([4501,4503]),We=new Set([4500,4503]);function y(i){return Ue[i]??`code ${i}`}function S(i){return i>=4500&&i<=4999}function qt(i){return S(i)?"stay":$e.has(i)?"soon":"backoff"}function Bt(i){return We.has(i)}function Wt(i){return i!==void 0&&qe.has(i)}function q(i){return i!==void 0&&Be.has(i)}function Et(i){return je.has(i)}var B="forbidden by the page's content security policy (connect-src)",At="no connection can be made: ";function Ft({disposition:i,effectiveDirective:t,blockedURI:e=""},s){return i==="report"||t!=="connect-src"?!1:e!==""&&s.startsWith(e)}function Ht(i){let t=/^(Security|Syntax|Type|Reference)Error$/.test(i?.name);return{code:1006,reason:At+(i?.message??i),permanent:t}}var W=class{#t;#e;#i;#s=0;#n=0;#o=0;constructor({window:t,window_bytes:e},s){this.#t=t,this.#e=e,this.#i=s}c(t){this.#s+=1,this.#o+=t,!(this.#s-this.#n<this.#t/4&&this.#o<this.#e/4)&&this.#i({type:"received",count:this.acknowledge()})}acknowledge(){return this.#o=0,this.#n=this.#s,this.#s}};function b(i){try{return JSON.parse(i)}catch{return null}}var He=/(?:^|[^\\])(?:\\\\)*\\ud[89a-f]/;function _(i){try{let t=JSON.stringify(i)??null;return t&&He.test(t)?null:t}catch{return null}}function v(i){let t=i.length;for(let e=0;e<i.length;e+=1){let s=i.charCodeAt(e);s>127&&(t+=s>2047?2:1),s>=56320&&s<=57343&&Ge(i.charCodeAt(e-1))&&(t-=2)}return t}function Ge(i){return i>=55296&&i<=56319}var c=class{#t;#e=null;constructor(t){this.#t=t}set(t,e){this.clear(),this.#e=this.#t.setTimeout(()=>{this.#e=null,e()},t)}clear(){this.#t.clearTimeout(this.#e),this.#e=null}get pending(){return this.#e!==null}};var F=class{#t;#e;#i;#s;#n=0;#o=0;#r=null;constructor(t,e,s){this.#t=t,this.#e=s,this.#i=e,this.#s=new c(t)}send(){if(this.#r)return;this.#r=[],this.#n+=1,this.#o=this.#t.now(),this.#s.set(this.#i(),()=>this.#a());let t=this.#t.wall();this.#e.send({type:"ping",sequence:this.#n,client_time:t})}measure(){return this.send(),new Promise((t,e)=>{this.#r?this.#r.push({resolve:t,reject:e}):e(new Error("the connection has ended"))})}m(t){if(!this.#r||t!==this.#n)return null;let e=this.#t.now()-this.#o;for(let{resolve:s}of this.#h())s(e);return e}rejectAll(t){for(let{reject:e}of this.#h())e(new Error(t))}#a(){this.rejectAll("no answer to the ping"),this.#e.g()}#h(){let t=this.#r??[];return this.#r=null,this.#s.clear(),t}};var k=class extends Error{},ze=Object.freeze({alive:{life:"alive",miss:"unstable",last_miss:"dead",silence:"dead"},unstable:{life:"alive",miss:"unstable",last_miss:"dead",silence:"dead"}}),H=class{#t;#e;#i=1/0;#s;#n=new Map;#o="alive";missed=0;sequence=0;constructor(t,e,{firstPing:s=t.pingInterval}={}){this.#t={sessionTimeout:1/0,idleOnly:!1,...t},this.#e=e+s,this.#s=e}get state(){return this.#o}adapt({pongTimeout:t}){this.#t.pongTimeout=t}get due(){return this.#o==="dead"?1/0:Math.min(this.#e,this.#i,this.#r)}get outstanding(){return[...this.#n.keys()]}get#r(){return this.#s+this.#t.sessionTimeout}tick(t){return this.#c("tick"),t>=this.#r?this.#u("silence"):t>=this.#i?this.#h(t):t>=this.#e?this.#l(this.#e,t):null}probe(t,{within:e=1/0}={}){this.#c("probe");let s=this.#l(t,t);return this.#i=Math.min(this.#i,t+e),s}pong(t,e){this.#c("pong");let s=this.#n.get(t);if(s===void 0)return null;for(let n of this.outstanding)n<=t&&this.#n.delete(n);return this.#s=e,this.#a(e),e-s}traffic(t){this.#a(t)}excuse(t){this.#e+=t,this.#i+=t,this.#s+=t}#a(t){this.#d("life"),this.missed=0,this.#i=1/0,this.#t.idleOnly&&(this.#e=t+this.#t.pingInterval)}#h(t){if(this.missed+=1,this.missed>=this.#t.maxMissed)return this.#u("last_miss");this.#d("miss");let e=this.#i;return this.#i=1/0,this.#l(e,t)}#l(t,e){return this.sequence+=1,this.#n.set(this.sequence,e),this.#n.delete(this.sequence-this.#t.maxMissed),this.#i=Math.min(this.#i,t+this.#t.pongTimeout),this.#e=t+this.#t.pingInterval,this.#e<=e&&(this.#e=e+this.#t.pingInterval),{type:"ping",sequence:this.sequence,missed:this.missed}}#u(t){return this.#d(t),{type:"dead",missed:this.missed}}#d(t){let e=ze[this.#o]?.[t];if(e===void 0)throw new k(`${t} while ${this.#o}`);this.#o=e}#c(t){if(this.#o==="dead")throw new k(`${t} while dead`)}};var Ke=1e3,Gt=2e3,Je=1500,G=class{#t;#e;#i;#s;#n;#o;#r;#a=0;#h={now:0,wall:0};#l=0;#u=1/0;#d=1/0;#c=!1;#g=!1;#f=!1;constructor(t,e,s,n=new A){this.#n=t.pong_timeout/2;let r={pingInterval:(t.ping_interval+this.#n)/1e3,pongTimeout:this.#n/1e3,maxMissed:1,sessionTimeout:1/0,idleOnly:!0};this.#e=e,this.#i=s,this.#s=n,this.#o=new c(e),this.#r=Math.min(Je,this.#n),this.#t=new H(r,this.#p),this.#l=e.now(),this.#m()}get#p(){return this.#e.now()/1e3}e(){this.#l=this.#e.now(),this.#t.traffic(this.#p),this.#u=this.#d=1/0,this.#g=!1,this.#c&&(this.#c=!1,this.#i.o(!1))}probe(){if(this.#c)return;this.#u=this.#d=1/0,this.#E();let t=this.#s.answerMs(Gt)/1e3;this.#A(this.#t.probe(this.#p,{within:t})),this.#m()}expectAnswer(){if(this.#c||this.#u<1/0)return;let t=this.#s.answerMs(Gt);this.#u=this.#e.now()+t,this.#d=this.#u-t/2}stop(){this.#f=!0,this.#o.clear()}#m(){if(this.#f)return;let{now:t,wall:e}=this.#e,s=Math.min(this.#t.due*1e3,this.#u,this.#d),n=Math.ceil(Math.max(0,Math.min(Ke,s-t())));this.#a=t(),this.#h={now:t()+n,wall:e()+n},this.#o.set(n,()=>this.#w())}#w(){let t=this.#b();t>this.#r&&!this.#y?this.#x():this.#k(t),this.#m()}#b(){let{now:t,wall:e}=this.#e;return Math.max(t()-this.#h.now,e()-this.#h.wall)}get#y(){return this.#g||this.#l>=this.#h.now}#x(){this.#g=!0,this.#t.excuse((this.#e.now()-this.#a)/1e3),this.probe()}#k(t){t<=this.#r&&(this.#g=!1),this.#E(),this.#A(this.#t.tick(this.#p)),this.#f||this.#R()}#R(){let t=this.#e.now();if(t>=this.#u)return this.probe();t<this.#d||(this.#d=1/0,this.#i.sendPing())}#E(){let t=this.#s.answerMs(this.#n)/1e3;this.#t.adapt({pongTimeout:t})}#A(t){t?.type==="dead"&&this.#i.a(),t?.type==="ping"&&(this.#c=!0,this.#i.sendPing(),this.#f||this.#i.o(!0))}};var Xe="realtime.v1",Ve=1e3,Ye=3e3,Ze=1e3,zt=1,z=class{#t;#e;#i;#s;#n;#o;#r;#a=null;#h=null;#l=null;#u=0;#d=0;#c=!1;degraded=!1;constructor(t,e,s,n){this.#t=e,this.#e=s,this.#i=n,this.#n=new c(e),this.#o=e.now(),this.#r=r=>Ft(r,t)&&this.#w(),e.policy?.addEventListener("securitypolicyviolation",this.#r),this.#s=this.#g(t),this.#p()}#g(t){try{let e=new this.#t.WebSocket(t,Xe);return e.binaryType="arraybuffer",e.onopen=()=>this.#f(),e.onmessage=({data:s})=>this.#b(s),e.onclose=({code:s,reason:n})=>this.#v({code:s,reason:n}),e.onerror=()=>this.#l||this.#p(Ze,"the browser refuses to connect"),e}catch(e){throw this.#m(),e}}get isStuck(){return!this.#l&&this.#t.now()-this.#o>=Ye}send(t){return this.#s.readyState!==zt?!1:(this.#s.send(JSON.stringify(t)),t.id&&this.#a?.expectAnswer(),this.#e.e("out",t.auth?{...t,auth:"\u2026"}:t),!0)}sendBytes(t){if(!this.#l||this.#s.readyState!==zt)return!1;let e=t instanceof Blob?t.size:t.byteLength;if(typeof e!="number")throw new TypeError("expected a buffer, a view of one, or a blob");if(e>this.#d)throw new RangeError(`${e} bytes, where the server takes ${this.#d}`);return this.#s.send(t),this.#a?.expectAnswer(),!0}probe(){this.#a?.probe()}pingQuietly(){this.#h?.send(),this.#a?.expectAnswer()}measureLatency(){return this.#h?.measure()}close(t){this.#c=!0;let e=this.#s;e.onopen=e.onmessage=e.onclose=e.onerror=null,this.#n.clear(),this.#m(),this.#a?.stop(),this.#h?.rejectAll("the connection has ended"),this.#s.close(t)}#f(){this.#m(),this.#o=this.#t.now(),this.#p(),this.send(this.#e.hello())}#p(t=this.#i.attemptMs,e=`no answer within ${Math.round(t/1e3)} s`){this.#n.set(t,()=>{this.#i.p(),this.#v({code:1006,reason:e})})}#m(){let{policy:t}=this.#t;t?.removeEventListener("securitypolicyviolation",this.#r)}#w(){this.#v({code:1006,reason:B,permanent:!0})}#b(t){if(this.#a?.e(),this.#c)return;if(typeof t!="string")return this.#l?this.#e.w(t):void 0;let e=b(t);typeof e?.type=="string"&&(this.#e.e("in",e),this.#c||this.#y(e,t))}#y(t,e){switch(t.type){case"welcome":return this.#x(t);case"ping":return this.#R(t);case"pong":return this.#E(t);case"notice":return this.#A(t);case"auth_expiring":return this.#e.y();case"goodbye":return this.#v({code:t.code,reason:t.reason,delay:t.delay});case"publication":this.#l?.c(v(e))}this.#l&&!this.#c&&this.#e.b(t,e)}#x(t){if(this.#a)return;let e=this.#t.now()-this.#o;this.#i.t(t,e),this.#n.clear(),this.#d=t.max_message_size;let s=n=>this.send(n);this.#l=new W(t,s),this.#h=new F(this.#t,()=>this.#i.answerMs(t.pong_timeout),{send:s,g:()=>this.#e.s(null)}),this.#a=this.#k(t),this.#e.t(t),e>Ve&&!this.#c&&this.#h.send()}#k(t){let e={sendPing:()=>this.#h?.send(),o:s=>this.#e.o(s),a:()=>this.#M()};return new G(t,this.#t,e,this.#i)}#R({sequence:t,timestamp:e}){this.#u+=1;let s=this.#t.wall(),n=this.#u,r=this.#l?.acknowledge();this.send({type:"pong",sequence:t,timestamp:e,client_time:s,received:r,ping_count:n})}#E({sequence:t}){let e=this.#h?.m(t)??null;e!==null&&(this.#i.s(e),this.#e.s(e))}#A({state:t}){t!=="degraded"&&t!=="ok"||(this.degraded=t==="degraded",this.#e.x(t))}#M(){this.#e.s(null),this.#c||this.#v({code:1006,reason:"the server does not answer"})}#v({code:t,reason:e,delay:s,permanent:n}){this.close(),this.#e.l({code:t,reason:e||y(t),delay:s,permanent:n})}};var K=class{lastError=null;isRestarting=!1;record(t){t.code===1006&&this.isRestarting||(this.isRestarting=Wt(t.code),this.lastError=t)}};var Qe=3e4,J=class{#t;#e;#i;#s;#n=!1;#o=!1;#r=-1/0;constructor(t,e,s,n){this.#e=`realtime:welcome:${t}`,this.#t=e,this.#s=s,this.#i=n}S(t){this.#n=q(t)||t===4008,this.#o=!1}cancel(){this.#n=!1,this.#o=!1}h(){!this.#n||this.#s.ms-this.#r<Qe||(this.#r=this.#s.ms,this.#n=!1,this.#i())}u(t){!this.#n||t!==this.#e||(this.#n=!1,this.#o=!0,this.#i())}t(t){let e=!t&&!this.#o;this.cancel(),e&&this.#a()}#a(){let{local:t,wall:e,random:s}=this.#t;try{t?.setItem(this.#e,`${e()} ${s()}`)}catch{}}};var ts={...$,cap:1e4},es=24e4,ss=5e3,X=class{#t;#e;#i;#s;#n;#o=0;#r=[];#a=0;#h=!1;#l=!1;constructor(t,e,s){this.#t=t,this.#e=e,this.#i=s,this.#s=new c(t),this.#n=new c(t)}add(t){this.#r.push(t),this.#c()}addIfUp(t){this.#i.isUp()&&!this.#u(t.frame)&&this.add(t)}#u({type:t,room:e}){let s=this.#r.slice(this.#h?1:0).filter(({frame:o})=>o.room===e),[n,r]=s.slice(-2);return t!=="leave"||n?.frame.type!=="leave"||r?.frame.type!=="join"?!1:(this.#r.splice(this.#r.indexOf(r),1),!0)}pause(){this.#h=!0}restart(t){this.#r=[...t,...this.messages],this.#h=!1,this.#s.clear(),this.#c()}abandon(t){let{messages:e}=this;this.#r=[],this.#s.clear(),this.#n.clear();for(let{settle:s}of e)s?.(t)}get messages(){return this.#r.filter(Kt)}e(t){let{code:e,room:s,id:n=e&&!s?this.#a:null}=t,[r]=this.#r;return!r||!this.#h||n!==this.#a?!1:(this.#h=!1,e==="unavailable"||e==="rate_limited"?(e==="rate_limited"&&this.#l&&delete r.sentAt,this.#d(r.frame.room),!0):(this.#o=0,this.#r.shift(),this.#g(),r.settle?.(t),this.#c(),!0))}#d(t){let e=({frame:n})=>n.room===t?1:0;this.#r.sort((n,r)=>e(n)-e(r));let s=j(this.#o++,ts,this.#t.random);this.#s.set(s,()=>this.#c())}#c(){if(this.#h||this.#s.pending)return;this.#p(({ms:e})=>this.#e.ms-e);let[t]=this.#r;t&&(this.#h=!0,this.#a+=1,this.#h=this.#i.send({...t.frame,id:this.#a}),!(!this.#h||!Kt(t))&&(this.#l=!t.sentAt,t.sentAt??={now:this.#t.now(),ms:this.#e.ms},this.#g()))}#g(){this.#r.some(({sentAt:t})=>t)?this.#n.pending||this.#n.set(ss,()=>this.#f()):this.#n.clear()}#f(){let t=this.#i.isUp(),[e]=this.#r;this.#p(({now:s,ms:n})=>t?this.#t.now()-s:this.#e.ms-n),t&&e!==this.#r[0]&&(this.#h=!1),this.#g(),this.#c()}#p(t){let e=({sentAt:r})=>r&&t(r)>=es,s=this.#r.filter(e);this.#r=this.#r.filter(r=>!s.includes(r));let n="no answer within 4 minutes: the server may have it or not";for(let{settle:r}of s)r?.({code:"unknown",detail:n})}};function Kt(i){return i?.frame.type==="message"}function V(i){let t=Object(i),e=t.epoch?`${t.epoch}:${t.offset}`:String(i),[,s,n=""]=/^(.{1,100}):(\d{1,16})$/.exec(e)??[];return s&&BigInt(n)<=2**53?{epoch:s,offset:Number(n)}:null}var Jt=1e3,O=class{position=null;rewind;lost="";isJoined=!1;#t;#e;#i=null;#s=0;constructor({since:t,rewind:e=0},s){this.#e=t??"now",this.rewind=e,this.#t=s;let n=e?this.#e==="now":e===0,r=Number.isInteger(e)&&e>=0&&e<=Jt;if(!n||!r||!this.#n(this.#e))throw new TypeError(`expected since, or a rewind of 1 to ${Jt}`)}#n(t){return this.#i=this.position=V(t),this.lost=t===""?"unknown":"",this.position!==null||t===""||t==="now"||t==="last"}beginAtLast(t){this.#e==="last"&&this.#n(t)}i(t,e,s){let{epoch:n,offset:r}=e,{position:o,rewind:a}=this;if(a>(t?.rewind??0))return;let h=o?is(o,t,e):this.lost;if(!h&&o&&o.offset<s.offset)return;let u=o===this.#i&&this.lost!=="left";a?this.position={epoch:n,offset:Math.max(s.offset,r-a)}:(h||!o)&&(this.position={epoch:n,offset:r}),(a||h)&&(this.#s=a&&r),this.rewind=0,this.#e=this.lost="",(h||!this.isJoined)&&(this.isJoined=!0,this.#t("joined",{offset:r,recovered:h?!1:o&&!0})),h&&this.#t("resync",{reason:h,initial:u})}take({offset:t,time:e,data:s},n){this.position?.epoch!==n.epoch||this.position.offset!==t-1||(this.position=n,this.#t("message",{data:s,offset:t,time:e,replayed:t<=this.#s}))}leave(t){this.#t("left",{code:t})}};function is({epoch:i,offset:t},e,s){return i!==s.epoch?"epoch_changed":t>s.offset?"ahead":e?.epoch===i&&t<=Number(e.offset)&&s.reason!=="ahead"?s.reason??"":""}var ns=EventTarget,R=class extends ns{#t=new Set;on(t,e){return this.#e(t,e,!1)}once(t,e){return this.#e(t,e,!0)}off(t,e){for(let s of[...this.#t])s.type===t&&s.listener===e&&s.remove()}#e(t,e,s){let n=({detail:a})=>{s&&o.remove(),e(a)},r=()=>{this.removeEventListener(t,n),this.#t.delete(o)},o={type:t,listener:e,remove:r};return this.#t.add(o),this.addEventListener(t,n),r}};var Xt=1e3,Vt="left",Y=class extends R{#t;#e;#i=!1;#s;#n=[];#o;#r=()=>{};constructor(t,e,s){super(),this.name=t,this.#t=e,this.#e=s((n,r)=>this.#a(n,r))}get joined(){return this.#o??=new Promise((t,e)=>{this.#r=()=>{this.#s!==void 0?e(Rt(this.#s)):this.#i&&t()},this.#r()}),this.#o.catch(()=>{}),this.#o}send(t){return this.#t(t)}close(){this.#e(),this.#h(Vt)}async*[Symbol.asyncIterator](){let t=[],e=this.on("message",s=>{t.length<=Xt&&t.push(s)});try{for(;;){if(t.length>Xt)throw Rt("behind");let s=t.shift();if(s)yield s;else if(this.#s===void 0)await new Promise(n=>this.#n.push(n));else{if(this.#s===Vt)return;throw Rt(this.#s)}}}finally{e()}}#a(t,e){if(this.#s!==void 0)return;t==="joined"&&(this.#i=!0);let s=t==="left"&&e.code!=="disconnected";this.#h(s?e.code??"forbidden":void 0),this.dispatchEvent(new CustomEvent(t,{detail:e}))}#h(t){this.#s??=t,this.#r();for(let e of this.#n.splice(0))e()}};function Rt(i){return Object.assign(new Error(`the room: ${i}`),{code:i})}var Z=class{cursors=new Set;page=null;hello;asked;isSilent=!1;stream=null;#t=null;constructor(t,e){this.room=t,this.linger=e}reset(){this.stream=null,this.hello=this.asked=void 0;for(let t of this.cursors)t.isJoined=!1}get lowest(){let t=({epoch:s,offset:n})=>s===this.#t?.epoch?n:n+Number.MAX_SAFE_INTEGER;return[...this.cursors].flatMap(({position:s})=>s??[]).sort((s,n)=>t(s)-t(n))[0]??null}get question(){let t=[...this.cursors],e=Math.max(...t.map(s=>s.rewind));return e>0&&t.every(s=>this.#e(s))?{rewind:e}:this.lowest}get isServed(){return this.stream&&[...this.cursors].every(t=>!t.rewind&&this.#e(t))}#e({position:t}){let[e,s]=[this.stream,this.#t];if(!t||!e||!s)return!t;let{epoch:n,offset:r}=t;return n===e.epoch&&e.offset<=r&&r<=s.offset}beginServed(){let[t,e]=[this.stream,this.#t];if(!(!t||!e))for(let s of this.#i())!s.isJoined&&this.#e(s)&&s.i(null,e,t)}i(t,e){let{epoch:s,offset:n,after:r=n}=e,a=e.recovered&&t?.epoch?t:{epoch:s,offset:r};this.stream=a,this.#t={epoch:s,offset:n},this.isSilent=!1;for(let h of this.#i())h.i(t,e,a)}c(t){let{stream:e}=this,{offset:s}=t;if(!e||s<=e.offset)return;let n={...e,offset:s};this.stream=n,this.#t&&s>this.#t.offset&&(this.#t=n);for(let r of this.#i())r.take(t,n)}*#i(){for(let t of[...this.cursors])this.cursors.has(t)&&!this.isSilent&&(yield t)}};var rs=1e3,os=1e3,as=1e3,Q=class{#t;#e;#i;#s;#n=new Map;#o=new Set;#r=null;#a=!1;constructor(t,e,s,n){this.#t=t,this.#e=e,this.#i=s,this.#s=n}open(t,e,s){return new Y(t,s,n=>{let r=new O(e,n),o=this.#h(t,r);return this.#d(),this.#u(o),()=>this.#p(o,r)})}join(t){let e=this.#l(t);e&&this.#u(e)}leave(t){let e=this.#n.get(t),s=e?.page;!e||!s||(this.#x(e),e.page=null,e.cursors.delete(s),e.cursors.size===0&&this.#m(e),s.leave("left"))}pause(){for(let t of[...this.#n.values()])if(!t.isSilent){t.isSilent=!0;for(let e of[...t.cursors])e.leave("disconnected")}}positions(){let t=[...this.#n.values()].filter(({lowest:e})=>e);return Object.fromEntries(t.map(({room:e,lowest:s})=>[e,s]))}v(t){this.#r??=t}hello(){this.#d();let t=[...this.#n.values()];for(let s of t)s.reset();let e=t.slice(0,os);for(let s of e)s.hello=s.question;return Object.fromEntries(e.map(({room:s,hello:n})=>[s,n]))}t({rooms:t,resumed:e}){this.#a||=!e,this.#d();for(let[a,h]of Object.entries(t)){Yt(a)&&this.#l(a);let u=this.#n.get(a);u?.i(u.hello,h)}let s=a=>!Yt(a)&&!this.#n.has(a),n=Object.keys(t).filter(s),r=[...this.#n.values()];for(let a of r)a.asked=void 0;let o=r.filter(({isServed:a})=>!a);return[...n.map(Mt),...o.map(a=>this.#g(a))]}e(t){let e=this.#n.get(t.room);if(e?.stream){if(t.type==="left")return this.#w(e,null);t.type==="publication"?e.c(t):t.type==="joined"&&e.i(e.stream,t),this.#c(e)}}#h(t,e){let s=this.#n.get(t)??new Z(t,new c(this.#i));return this.#n.set(t,s),s.cursors.add(e),s.linger.clear(),s}#l(t){if(this.#n.get(t)?.page)return null;let e=new O({},(n,{initial:r,replayed:o,...a})=>this.#s(n,{room:t,...a}));this.#o.delete(t)&&(e.lost="left");let s=this.#h(t,e);return s.page=e,s}#u(t){if(!t.stream||!this.#e())return this.#c(t);queueMicrotask(()=>{!this.#e()||!this.#y(t)||(t.beginServed(),this.#c(t))})}#d(){let t=this.#r;if(t)for(let{room:e,cursors:s}of this.#n.values()){let n=V(t[e]);for(let r of s)r.beginAtLast(n&&this.#a?"":n)}}#c(t){this.#y(t)&&t.asked===void 0&&!t.isServed&&this.#t.addIfUp(this.#g(t))}#g(t){let{room:e,question:s}=t;t.asked=s;let n=s?.rewind?s:{position:s};return{frame:{type:"join",room:e,...n},settle:r=>this.#f(t,r)}}#f(t,e){if(!this.#y(t))return;let{asked:s,room:n,stream:r}=t;if(t.asked=void 0,e.code)return r&&this.#t.addIfUp(Mt(n)),this.#w(t,e.code);t.i(s,e),this.#c(t)}#p(t,e){t.cursors.delete(e),t.cursors.size===0&&t.linger.set(as,()=>this.#m(t))}#m(t){this.#b(t)&&this.#t.addIfUp(Mt(t.room))}#w(t,e){if(this.#b(t)){t.page&&this.#x(t);for(let s of t.cursors)s.leave(e)}}#b(t){return t.linger.clear(),this.#y(t)&&this.#n.delete(t.room)}#y(t){return this.#n.get(t.room)===t}#x({room:t,page:e}){if(!e?.position&&!e?.lost)return;this.#o.add(t);let[s]=this.#o;s!==void 0&&this.#o.size>rs&&this.#o.delete(s)}};function Yt(i){return i.startsWith("user:")}function Mt(i){return{frame:{type:"leave",room:i}}}var hs=200,et=class{#t;#e;rooms;#i=65536;#s="";constructor(t,e,s,n){this.#t=t,this.#e=new X(t,e,s),this.rooms=new Q(this.#e,s.isUp,t,n)}async send(t,e){let s=_(e);if(!s||v(s)>this.#i)throw tt("invalid_message",`no JSON, or above ${this.#i} bytes`);if(this.#s)throw tt("disconnected",this.#s);if(this.#e.messages.length>=hs)throw tt("queue_full","the queue is full");let{random:n}=this.#t,r=`${n()}${n()}`,o={type:"message",room:t,data:b(s),key:r};return new Promise((a,h)=>{let u=({code:x,detail:w})=>x?h(tt(x,w)):a();this.#e.add({frame:o,settle:u})})}open(){this.#s=""}close(t){this.#s=t,this.#e.abandon({code:"disconnected",detail:t})}hello(){return this.#e.pause(),this.rooms.hello()}t(t){this.#i=t.max_publication,this.#e.restart(this.rooms.t(t))}e(t){this.#e.e(t)||this.rooms.e(t)}};function tt(i,t){return Object.assign(new Error(t),{code:i})}var cs=1e4,ls=100,st=class{#t;#e;#i=null;#s;#n;#o=!1;#r=0;#a=null;constructor(t,e,s){this.#t=t,this.#n=e,this.#e=s,this.#s=new c(t)}get visibility(){return this.#t.document?.visibilityState==="hidden"?"hidden":"visible"}get started(){return this.#i!==null}start(){this.#i=new AbortController,this.#o=!1;let{window:t,document:e,network:s}=this.#t;this.#h(t,"pagehide",()=>this.#l()),this.#h(t,"pageshow",()=>this.#u()),this.#h(t,"online",()=>this.#e.T()),this.#h(t,"offline",()=>this.#e.E()),this.#a=Zt(s),this.#h(s,"change",()=>this.#d(s)),this.#h(t,"focus",()=>this.#e.h()),this.#h(t,"storage",({key:n})=>this.#e.u(n)),this.#h(e,"visibilitychange",()=>this.#c()),this.#h(e,"freeze",()=>this.#e.A()),this.#h(e,"resume",()=>this.#o||this.#e.k())}stop(){this.#i?.abort(),this.#i=null,this.#s.clear()}#h(t,e,s){t?.addEventListener(e,s,{signal:this.#i?.signal})}#l(){this.#o=!0,this.#s.clear(),this.#e.R()}#u(){this.#o&&(this.#o=!1,this.#s.set(ls,()=>this.#e.M()))}#d(t){let e=Zt(t);e!==null&&e===this.#a?this.#e._():this.#e.f(),this.#a=e}#c(){let t=this.visibility;this.#e.O(t),t==="hidden"?this.#r=this.#n.ms:this.#n.ms-this.#r>=cs&&this.#e.f(),t==="visible"&&this.#e.h()}};function Zt(i){let{type:t,effectiveType:e}=i??{};return t||e?`${t} ${e}`:null}var it=class{latency=null;pings=0;pongs=0;misses=0;s(t){t===null?this.misses+=1:(this.latency=t,this.pongs+=1)}};var us=5e3,ds=1e3,fs=3e4,nt=class{#t;#e;#i;#s;#n=0;#o=null;#r=-1/0;#a=0;#h=0;#l=0;attempts=0;constructor(t,e,s){this.#t=t,this.#e=e,this.#i=s,this.#s=new c(t)}get waiting(){return this.#s.pending}get nextAttemptAt(){if(!this.waiting)return null;let{now:t,wall:e}=this.#t;return Math.round(e()+this.#h-t())}get exhausted(){return this.attempts>=this.#e.maxAttempts}N(){this.cancel(),this.attempts+=1,this.#r=this.#t.now()}t(){this.attempts=0,this.#o=this.#t.now()}schedule(t,e){this.#u&&(this.#n=this.#a=0),this.#o=null,this.#c(this.#d(t,e)),this.#l=this.#t.now()+(Tt(e,()=>0)??0)}advance(){if(!this.waiting)return!1;let t=Math.min(fs,ds*2**this.#a),e=this.#t.now(),s=Math.max(this.#r+t,this.#l);if(this.#h>e&&this.#h<=s)return!1;this.#a+=1;let n=Math.min(s,this.#h)-e;return n>0?this.#c(n):this.#i(),n>0}cancel(){this.#s.clear()}reset(){this.attempts=0,this.#n=0,this.#a=0,this.waiting&&this.#c(this.#d(1006,null))}get#u(){return this.#o===null?!1:this.#t.now()-this.#o>=us}#d(t,e){let{random:s}=this.#t,n=Tt(e,s);if(n!==null&&qt(t)==="soon"&&!Et(t))return n;let r=j(this.#n,this.#e,s);return this.#n+=1,Et(t)?Math.min(n??r,r):Math.max(n??0,r)}#c(t){this.#h=this.#t.now()+t,this.#s.set(t,this.#i)}};var rt=class{#t;#e;#i=[];#s=!1;#n=!1;#o=null;#r=0;#a=0;#h=0;#l=()=>{};#u;constructor(t,e){this.#t=t,this.#e=e}receive({data:t,done:e},s){this.#s||=!e||t===void 0,t!==void 0&&this.#i.push({data:t,bytes:s}),this.#n=e,this.#l()}fail(t,e){e&&(this.#i=[]),this.#o={error:t},this.#l()}async*[Symbol.asyncIterator](){try{for(;;){let t=this.#i.shift();if(t)yield this.#g(t);else{if(this.#o)throw this.#o.error;if(this.#n)return;await this.#c()}}}finally{this.#e()}}then(t,e){return this.#u??=this.#d(),this.#u.then(t,e)}catch(t){return this.then(null,t)}async#d(){let t=[];for await(let e of this)t.push(e);return this.#s?t:t[0]}#c(){return new Promise(t=>{this.#l=t})}#g({data:t,bytes:e}){return this.#r+=1,this.#h+=e,(this.#r-this.#a>=16||this.#h>=16384)&&(this.#a=this.#r,this.#h=0,this.#t(this.#r)),t}};var ot=class{#t;#e=100*.8/1e3;#i=20;#s;constructor(t){this.#t=t,this.#s=t.now()}setLimit(t){t>0&&(this.#e=t*.8/1e3)}take(){let t=this.#t.now();return this.#i=Math.min(20,this.#i+(t-this.#s)*this.#e),this.#s=t,this.#i<1?Math.ceil((1-this.#i)/this.#e):(this.#i-=1,0)}};var ps=8,Qt=1e6,ms=/^.{1,100}$/su,at=class{#t;#e;#i=Qt;#s=new Map;#n=65536;#o="";#r;#a;constructor(t,e){this.#t=t,this.#e=e,this.#r=new ot(t),this.#a=new c(t)}request(t,e=null,s={}){let n=++this.#i,r=new rt(h=>this.#s.has(n)&&this.#e.send({type:"reply_received",id:n,count:h}),()=>this.#u(n)),o=_(e),a=o&&v(o)<=this.#n&&ms.test(t)&&_(t);if(s.signal?.aborted)r.fail(s.signal.reason);else if(this.#o)r.fail(N("disconnected",this.#o));else if(!a)r.fail(N("invalid_message","no name, no JSON, or too large"));else{let h=this.#h(n,s),u={type:"request",id:n,name:`${t}`,data:b(o)};this.#s.set(n,{frame:u,reply:r,isSent:!1,unwatch:h}),this.#l()}return r}open(){this.#o=""}close(t){this.#o=t,this.#c("disconnected",t)}t(t){this.#n=t.max_publication,this.#r.setLimit(t.message_rate/2),this.#l()}a(){this.#c("lost","the connection was lost before the answer",!0)}e(t,e){let{type:s,id:n,code:r,detail:o,done:a}=t;if(s!=="reply"&&!(s==="error"&&n>Qt))return!1;let h=this.#s.get(n)?.reply;return(r||a)&&this.#d(n),r?h?.fail(N(r,o)):h?.receive(t,v(e)),this.#l(),!0}#h(t,{signal:e,timeout:s}){let n=new c(this.#t),r=()=>this.#u(t,e?.reason);return s!==void 0&&n.set(s,()=>this.#u(t,N("timeout","no answer in time"))),e?.addEventListener("abort",r),()=>{n.clear(),e?.removeEventListener("abort",r)}}#l(){let t=0;for(let e of this.#s.values()){if(++t>ps||!this.#e.isUp())return;if(e.isSent)continue;let s=this.#r.take();if(s)return this.#a.set(s,()=>this.#l());if(e.isSent=!0,e.isSent=this.#e.send(e.frame),!e.isSent)return}}#u(t,e){let s=this.#d(t);s?.isSent&&this.#e.send({type:"cancel",id:t}),s?.reply.fail(e,!0),this.#l()}#d(t){let e=this.#s.get(t);return this.#s.delete(t),e?.unwatch(),e}#c(t,e,s){for(let[n,r]of this.#s)(r.isSent||!s)&&this.#d(n)?.reply.fail(N(t,e))}};function N(i,t){return Object.assign(new Error(t),{code:i})}function ht(i,t){let e=globalThis,s=Symbol.for(`realtime.${i}`);return e[s]??=t(),e[s]}var te=12e4,gs=1e3,_t=ht("keys",()=>new WeakMap),ct=class{#t;#e="";#i;#s=null;#n=0;#o;#r;#a=te;#h=-1/0;constructor(t,e,s={ms:0}){this.#r=s,this.#t=`realtime:${t}${vt()}`,this.#i=e}get current(){return this.#s}set(t,e=te){this.#a=e,t.session!==this.#s?.session&&(this.#n=0),this.#s=t,this.#o=void 0}clear(){this.#s=null,this.#h=-1/0}resumeRequest(){if(!this.#s)return;this.#n+=1;let{session:t,token:e}=this.#s;return{session:t,token:e,turn:this.#n}}reclaim(){let{ms:t}=this.#r;return!this.#s||t-this.#h<this.#a?!1:(this.#h=t,this.#n+=gs,!0)}load(){try{if(!this.#i)return{};this.#l(this.#i);let t=b(this.#i.getItem(this.#e));if(this.#i.removeItem(this.#e),ws(t))return{turn:this.#n=0,rooms:this.#o,...this.#s}=t,Object(this.#o)}catch{}return{}}save(t){try{let e={...this.#o,...t},s=this.#s&&{...this.#s,turn:this.#n,rooms:e};s&&this.#i?.setItem(this.#e,JSON.stringify(s))}catch{}this.releaseKey()}releaseKey(){this.#i&&_t.get(this.#i)?.delete(this.#e)}#l(t){this.releaseKey();let e=_t.get(t)??new Set;_t.set(t,e);let s=this.#t;for(let n=2;e.has(s);n+=1)s=`${this.#t}#${n}`;e.add(s),this.#e=s}};function ws(i){let{session:t,token:e,turn:s=0}=Object(i);return ee(t)&&ee(e)&&Number.isSafeInteger(s)&&s>=0}function ee(i){return typeof i=="string"&&i.length>=1&&i.length<=64}var lt=class{#t;#e;#i;#s=0;constructor(t){this.#t=t,this.#e=t.now(),this.#i=t.wall()}get ms(){let[t,e]=[this.#t.now(),this.#t.wall()];return this.#s+=Math.max(0,t-this.#e,e-this.#i),[this.#e,this.#i]=[t,e],this.#s}timestamp(){return{ms:this.ms,wall:this.#i}}toEpochMs({wall:t,ms:e}){let s=Math.round(this.#t.wall()-(this.ms-e));return t-s>2e3?s:t}};var ys=Object.freeze({disconnected:{connect:"connecting"},connecting:{welcome:"connected",retry:"connecting",fail:"error",end:"disconnected"},connected:{doubt:"unstable",retry:"connecting",fail:"error",end:"disconnected"},unstable:{life:"connected",retry:"connecting",fail:"error",end:"disconnected"},error:{connect:"connecting",end:"disconnected"}});function se(i,t){let e=ys[i][t];if(e===void 0)throw new k(`${t} while ${i}`);return e}var ut=class{#t;#e;state="disconnected";reason="";constructor(t){this.#t=t,this.#e=t.timestamp()}get since(){return this.#t.toEpochMs(this.#e)}get isUp(){return this.state==="connected"||this.state==="unstable"}get isIdle(){return this.state==="disconnected"||this.state==="error"}apply(t,e=""){let s=this.state;this.state=se(s,t),this.state!==s&&(this.#e=this.#t.timestamp()),this.reason=e}};var bs=8192,xs=15e3,dt=class{#t;#e=null;#i=!1;#s=null;#n;constructor(t,e){this.#t=t,this.#n=e}get current(){return this.#e??void 0}get isMissing(){return this.#t!==void 0&&this.#e===null}fetch(){return this.#s??=this.#o(),this.#s}#o(){let t=new c(this.#n),e=Promise.race([this.#a(),Ss(t)]).finally(()=>t.clear()),s=()=>this.#s===n,n=e.then(r=>(s()&&this.#r(r),r),r=>{throw s()&&(this.#s=null),r});return n}#r(t){this.#e=t,this.#i=!1,this.#s=null}forget(){this.#r(null)}async#a(){let t=this.#t,e=typeof t=="function"?await t():t;if(typeof e!="string"||!/^[ -~]+$/.test(e)||e.length>bs)throw new TypeError("expected a token of 1 to 8192 ASCII characters");return e}t(){this.#i=this.#e!==null}refuse(){let t=this.#i;return this.#r(null),t}get isUsed(){return this.#t!==void 0}};function Ss(i){return new Promise((t,e)=>{i.set(xs,()=>e(new TypeError("expected a token in time")))})}var Ts="the page has no token for the login",ft=class{#t;#e;#i=0;constructor(t,e,s){this.#t=new dt(t,e),this.#e=s}get auth(){return this.#t.current}attempt(t){this.cancel();let e=!this.#t.isMissing;return e?t():this.#s(t),e}async#s(t){let e=this.#i,s=await this.#t.fetch().catch(()=>null);e===this.#i&&(s===null?this.#e({code:1006,reason:Ts}):t())}cancel(){this.#i+=1}async renew(t){let e=t();if(!this.#t.isUsed)return;let s=await this.#t.fetch().catch(()=>null);s===null||e!==t()||e?.send({type:"auth",auth:s})&&this.#t.t()}t(){this.#t.t()}forget(){this.#t.forget()}l(t){if(this.#t.isUsed){if(t!==4501&&t!==4008){S(t)&&this.forget();return}return this.#t.refuse()?"retry":"stay"}}};var pt=class{#t;#e;#i=new A;#s;#n;#o;#r;#a;#h;#l;#u;#d=new it;#c=null;#g="disconnected";#f=!1;#p=new K;#m;#w=null;constructor({url:t,name:e,auth:s,autoReconnect:n,backoff:r,environment:o},a){this.#h=t,this.#l=e,this.#u=a,this.autoReconnect=n;let h=E(o),u=new lt(h);this.#t=h,this.#e=u,this.#a=new ut(u),this.#s=new ct(t,h.storage,u);let x={...$,...r};this.#r=new nt(h,x,()=>this.#x());let w={isUp:()=>this.#a.isUp,send:T=>w.isUp()&&this.#c?.send(T)===!0};this.messaging=new et(h,u,w,a),this.requests=new at(h,w),this.#o=new J(t,h,u,()=>this.#y()),this.#m=new ft(s,h,T=>this.#_(T)),this.#n=this.#b()}#b(){return new st(this.#t,this.#e,{R:()=>this.#U(),M:()=>this.#$(),A:()=>this.#I(y(4006),4006),k:()=>this.#f&&this.#y(),f:()=>this.#N(),T:()=>this.#P(),_:()=>this.#c?.pingQuietly(),E:()=>this.#c?.probe(),O:t=>this.#D(t),h:()=>this.autoReconnect&&this.#o.h(),u:t=>this.autoReconnect&&this.#o.u(t)})}get state(){return this.#a.state}get connection(){return this.#a.isUp?this.#c:null}connect(){if(!this.#a.isIdle)return this.#C();this.#n.started||(this.messaging.rooms.v(this.#s.load()),this.#n.start()),this.#o.cancel(),this.#y()}disconnect(){this.#n.stop(),this.#o.cancel(),this.#s.clear(),this.#s.releaseKey(),this.#m.forget(),this.#c?.send({type:"bye"}),this.messaging.close("disconnected"),this.requests.close("disconnected"),this.#O("",1e3),this.messaging.rooms.pause()}stopWaiting(){this.#r.waiting&&this.#O(this.#a.reason)}reset(){this.#r.reset(),this.#p.lastError=null,this.state==="error"?this.#S("end"):this.state==="connecting"&&this.#T()}stats(){let{session:t=null,since:e=null}=this.#s.current??{};return{state:this.state,stateSince:this.#a.since,reason:this.#a.reason,degraded:this.#c?.degraded??!1,session:t,since:e,user:this.#w,...this.#d,attempts:this.#r.attempts,nextAttemptAt:this.#r.nextAttemptAt,autoReconnect:this.autoReconnect,lastError:this.#p.lastError}}#y(){this.#r.reset(),this.messaging.open(),this.requests.open(),this.#f=this.#p.isRestarting=!1,this.#a.apply("connect"),this.#x()}#x(){this.#r.N(),this.#m.attempt(()=>this.#k())||this.#T()}#k(){try{this.#c=this.#R(),this.#T()}catch(t){this.#T(),this.#_(Ht(t))}}#R(){let t={hello:()=>this.#E(),t:e=>this.#A(e),e:(e,s)=>this.#M(e,s),o:e=>this.#S(e?"doubt":"life"),s:e=>this.#v(e),x:e=>this.#u("notice",{state:e}),y:()=>this.#m.renew(()=>this.#c),w:e=>this.#u("bytes",{data:e}),b:(e,s)=>this.requests.e(e,s)||this.messaging.e(e),l:e=>this.#_(e)};return new z(this.#h,this.#t,t,this.#i)}#E(){let[t,e]=[this.#s.resumeRequest(),this.messaging.hello()],[s,n]=[this.#l,this.#m.auth],{visibility:r}=this.#n;return{type:"hello",protocol:1,client:s,resume:t,rooms:e,visibility:r,auth:n}}#A(t){let{session:e,token:s,resumed:n,user:r,resume_window:o}=t,a=this.#t.wall(),h=n?this.#s.current?.since??a:a;this.#s.set({session:e,token:s,since:h},o),this.#w=r,this.#p.isRestarting=!1;let{attempts:u}=this.#r;this.#r.t(),this.#o.t(n),this.#m.t(),this.#S("welcome"),this.#a.isUp&&this.#u("connection_established",{session:e,user:r,resumed:n,attempts:u}),this.#a.isUp&&this.messaging.t(t),this.#a.isUp&&this.requests.t(t)}#M(t,e){let s=t==="in"&&e.type;s==="ping"&&(this.#d.pings+=1),this.#u("frame",{direction:t,frame:e}),s==="error"&&this.#u("server_error",e)}#v(t){this.#d.s(t),this.#u("latency",{latency:t})}#_(t){let{code:e,reason:s}=t,n=this.#a.isUp;this.#p.record({code:e,reason:s,at:this.#t.wall()}),this.#c=null,this.#L(t),this.requests.a();let r=this.state==="connecting";n&&this.#u("connection_lost",{code:e,reason:s,willReconnect:r})}#L({code:t,reason:e,delay:s,permanent:n=!1}){let r=t===4506&&this.autoReconnect&&this.#s.reclaim();if((this.#m.l(t)??(S(t)?"stay":"retry"))==="stay"&&!r)this.#s.clear(),this.messaging.close(e),this.requests.close(e),this.#o.S(t),this.#S(Bt(t)?"end":"fail",e);else if(n)this.#S("fail",e);else if(!this.autoReconnect)this.#S("end",e);else if(this.#r.exhausted){let a=this.#p.lastError?.reason??e;this.#S("fail",`gave up after ${this.#r.attempts} attempts: ${a}`)}else this.#r.schedule(t,s),this.#S("retry",this.#p.isRestarting?y(1012):e)}#C(){this.#r.waiting?this.#x():this.#c?.probe()}#N(){this.#r.advance()&&this.#T(),this.#c?.probe()}#P(){if(!this.#c?.isStuck)return this.#N();this.#c.close(),this.#x()}#D(t){this.#c?.send({type:"visibility",state:t}),t==="visible"&&this.#r.advance()&&this.#T()}#U(){this.#s.save(this.messaging.rooms.positions()),this.#I("page left")}#$(){this.#a.isIdle&&this.#s.load(),this.#f&&this.#y()}#I(t,e){this.#a.isIdle||(this.#f=!0,this.#O(t,e))}#O(t,e){let s=this.#a.isUp,n={code:e??1005,reason:t,willReconnect:!1};this.#r.cancel(),this.#m.cancel(),this.#c?.close(e),this.#c=null,this.state!=="disconnected"&&this.#S("end",t),this.requests.a(),s&&this.#u("connection_lost",n)}#S(t,e){this.#a.apply(t,e),this.#T()}#T(){let t=this.#g;this.#g=this.state,this.#u("state",{previous:t,...this.stats()})}};var ne=R;var Rs=1e3,mt=class{#t=0;#e;#i;constructor(t,e){this.#e=new c(t),this.#i=e}acquire(){this.#t+=1,this.#e.clear();let t=!0;return{release:()=>{t&&(this.#t-=1),t&&this.#t===0&&this.#e.set(Rs,this.#i),t=!1}}}};var Nt="realtime-js/0.1.0",I=class extends ne{#t;#e;constructor({url:t,auth:e,autoReconnect:s=!0,backoff:n={},environment:r={}}={}){super(),this.url=D(t??U());let o={url:this.url,name:Nt,auth:e,autoReconnect:s,backoff:n,environment:r};this.#t=new pt(o,(a,h)=>{this.dispatchEvent(new CustomEvent(a,{detail:h}))}),this.#e=new mt(E(r),()=>this.disconnect())}get state(){return this.#t.state}get degraded(){return this.stats().degraded}connect(){this.#t.connect()}disconnect(){this.#t.disconnect()}acquire(){let t=this.#e.acquire();return It(this),t}room(t,e={}){return this.#t.messaging.rooms.open(t,e,s=>this.send(t,s))}join(t){this.#t.messaging.rooms.join(t)}leave(t){this.#t.messaging.rooms.leave(t)}send(t,e){return this.#t.messaging.send(t,e)}request(t,e,s){return this.#t.requests.request(t,e,s)}sendBytes(t){return this.#t.connection?.sendBytes(t)===!0}enableAutoReconnect(){this.#t.autoReconnect=!0}disableAutoReconnect(){this.#t.autoReconnect=!1,this.#t.stopWaiting()}resetReconnectState(){this.#t.reset()}async ping(){let t=this.#t.connection?.measureLatency();if(!t)throw new Error("not connected");return t}stats(){return this.#t.stats()}};function It(i){let{state:t,reason:e}=i.stats();t==="disconnected"&&e===""&&i.connect()}var Ms=`clients of ${Nt.split(".").slice(0,2).join(".")}`;function gt(i){let t=ht(Ms,()=>new Map),e=D(i.url??U()),s=t.get(e);if(s)return _s(e,i,s.options),s.client;let n=new I(i);return t.set(e,{client:n,options:i}),n.connect(),n}function _s(i,t,e){let s={autoReconnect:!0,...e},n=Object.keys(t),r=a=>a!=="url"&&!Os(t[a],s[a]),o=n.filter(r);o.length!==0&&console.warn(`realtime: connect(): ignored ${o.join(", ")}: the client for ${i} was made without. Pass options to the first connect(), or use a RealtimeClient of your own.`)}function Os(i,t){if(i===void 0||i===t)return!0;if(typeof i=="function")return typeof t=="function";if(typeof i!="object"||typeof t!="object")return!1;let[e,s]=[Object.entries(Object(i)),Object(t)];return e.length===Object.keys(s).length&&e.every(([r,o])=>s[r]===o)}var wt=class{#t;#e;#i;#s="connected";#n=null;#o=0;#r=()=>this.#a();constructor(t,e,s){this.#t=t,this.#e=e,this.#i=s}update(t){if(t===this.#s)return this.stop();t!==this.#n&&(this.#n=t,this.#o=this.#e(),this.#t.add(this.#r))}stop(){this.#n=null,this.#t.delete(this.#r)}#a(){let t=this.#n;t===null||this.#e()-this.#o<1500||(this.stop(),this.#s=t,this.#i(t))}};var re=new WeakMap,yt=class i{#t;#e=-1/0;#i=new Set;samples=[];constructor(t){this.#t=t,t.addEventListener("latency",({detail:e})=>{this.samples=[...this.samples,e.latency].slice(-40)})}static of(t){let e=re.get(t)??new i(t);return re.set(t,e),e}add(t){this.#i.add(t)}delete(t){this.#i.delete(t)}isAnnouncer(t){let[e]=this.#i;return e===t}measureLatency(t){this.#t.state!=="connected"||t-this.#e<3e3||(this.#e=t,this.#t.ping().catch(()=>{}))}};function Lt(i){let t=Ls(i),e=(s,n,r=0)=>new Intl.NumberFormat(t,{style:"unit",unit:n,unitDisplay:"short",maximumFractionDigits:r}).format(s);return{number:s=>new Intl.NumberFormat(t).format(s),latency:s=>e(s,"millisecond",s<9.95?1:0),duration:s=>Ns(Math.max(0,s)/1e3,e),moment:(s,n)=>Is(s,n,t)}}function Ns(i,t){return i<60?t(Math.floor(i),"second"):i<3600?t(Math.floor(i/60),"minute"):i<2*86400?t(Math.floor(i/3600),"hour"):t(Math.floor(i/86400),"day")}function Is(i,t,e){let[s,n]=[new Date(i),new Date(t)],o=s.toDateString()===n.toDateString()?void 0:"medium";return new Intl.DateTimeFormat(e,{dateStyle:o,timeStyle:"medium"}).format(s)}function Ls(i){try{return Intl.getCanonicalLocales(i)[0]}catch{return}}var oe={label:"Connection",connected:"connected",connecting:"connecting",unstable:"unstable",error:"error",disconnected:"disconnected",degraded:"but limited",connectedText:"All is well: the server answers.",degradedText:"Connected, but the server cannot reach its data at the moment. It keeps trying; there is nothing to do here.",connectingText:"Connecting to the server.",retryingText:"Connecting to the server, attempt {n}.",waitingText:"No connection. Next attempt in {time}.",restartingText:"The server is restarting.",restartingWaitingText:"The server is restarting. Next attempt in {time}.",unstableText:"The server is silent. Checking whether it still answers.",endedText:"Ended: {error}.",gaveUpText:"Gave up after {n} attempts: {error}.",stayingText:"Reconnect to try again.",logInText:"Log in: this page then reconnects by itself.",logInAndText:"Log in, then reconnect.",switchedOffText:"Automatic reconnecting is off.",disconnectedText:"Not connected. Reconnect at any time.",countdown:"in {time}",details:"Connection details",since:"Since",session:"Session",latency:"Latency",latencyRange:"Latency of the last {n} answered pings: {min} to {max}",pings:"Pings",pongs:"Pongs",misses:"Misses",pingsHint:"Pings from the server, each answered",pongsHint:"Answers of the server to this page's pings",missesHint:"This page's pings without an answer in time",attempts:"Attempts",attemptsNext:"{n}, next in {time}",lastError:"Last error",none:"none",reconnect:"Reconnect now",disconnect:"Disconnect",ping:"Ping",reset:"Reset",resetHint:"Forget attempts, delays and the last error",autoReconnect:"Reconnect automatically",pinged:"Answer after {time}",notPinged:"No answer to the ping",resetDone:"Attempts and last error forgotten",policy:"this page's content security policy does not allow the connection (connect-src)",code1001:"server restarting",code1012:"server restarting",code4001:"server restarting"},Cs={label:"\u8FDE\u63A5",connected:"\u5DF2\u8FDE\u63A5",connecting:"\u8FDE\u63A5\u4E2D",unstable:"\u4E0D\u7A33\u5B9A",error:"\u9519\u8BEF",disconnected:"\u5DF2\u65AD\u5F00",degraded:"\uFF08\u529F\u80FD\u53D7\u9650\uFF09",connectedText:"\u4E00\u5207\u6B63\u5E38\uFF1A\u670D\u52A1\u5668\u6709\u54CD\u5E94\u3002",degradedText:"\u8FDE\u63A5\u6B63\u5E38\uFF0C\u4F46\u670D\u52A1\u5668\u6682\u65F6\u65E0\u6CD5\u8BBF\u95EE\u5176\u6570\u636E\u3002\u5B83\u4F1A\u4E0D\u65AD\u91CD\u8BD5\uFF0C\u65E0\u9700\u4EFB\u4F55\u64CD\u4F5C\u3002",connectingText:"\u6B63\u5728\u8FDE\u63A5\u670D\u52A1\u5668\u3002",retryingText:"\u6B63\u5728\u8FDE\u63A5\u670D\u52A1\u5668\uFF0C\u7B2C {n} \u6B21\u5C1D\u8BD5\u3002",waitingText:"\u8FDE\u63A5\u5DF2\u4E2D\u65AD\uFF0C{time}\u540E\u91CD\u8BD5\u3002",restartingText:"\u670D\u52A1\u5668\u6B63\u5728\u91CD\u542F\u3002",restartingWaitingText:"\u670D\u52A1\u5668\u6B63\u5728\u91CD\u542F\uFF0C{time}\u540E\u91CD\u8BD5\u3002",unstableText:"\u670D\u52A1\u5668\u6CA1\u6709\u52A8\u9759\uFF0C\u6B63\u5728\u786E\u8BA4\u5B83\u662F\u5426\u8FD8\u5728\u3002",endedText:"\u8FDE\u63A5\u5DF2\u7ED3\u675F\uFF1A{error}\u3002",gaveUpText:"\u5C1D\u8BD5 {n} \u6B21\u540E\u653E\u5F03\uFF1A{error}\u3002",stayingText:"\u70B9\u51FB\u201C\u7ACB\u5373\u91CD\u8FDE\u201D\u53EF\u518D\u6B21\u5C1D\u8BD5\u3002",logInText:"\u8BF7\u767B\u5F55\uFF0C\u4E4B\u540E\u672C\u9875\u4F1A\u81EA\u52A8\u6062\u590D\u3002",logInAndText:"\u8BF7\u5148\u767B\u5F55\uFF0C\u518D\u91CD\u65B0\u8FDE\u63A5\u3002",switchedOffText:"\u81EA\u52A8\u91CD\u8FDE\u5DF2\u5173\u95ED\u3002",disconnectedText:"\u672A\u8FDE\u63A5\uFF0C\u53EF\u968F\u65F6\u91CD\u65B0\u8FDE\u63A5\u3002",countdown:"{time}\u540E",details:"\u8FDE\u63A5\u8BE6\u60C5",since:"\u5F00\u59CB\u4E8E",session:"\u4F1A\u8BDD",latency:"\u5EF6\u8FDF",latencyRange:"\u6700\u8FD1 {n} \u6B21\u5E94\u7B54\u7684\u5EF6\u8FDF\uFF1A{min} \u81F3 {max}",pings:"Ping",pongs:"Pong",misses:"\u672A\u5E94\u7B54",pingsHint:"\u670D\u52A1\u5668\u53D1\u6765\u7684\u5FC3\u8DF3\uFF0C\u5747\u5DF2\u5E94\u7B54",pongsHint:"\u670D\u52A1\u5668\u5BF9\u672C\u9875 Ping \u7684\u5E94\u7B54",missesHint:"\u672A\u6309\u65F6\u5F97\u5230\u5E94\u7B54\u7684 Ping",attempts:"\u5C1D\u8BD5\u6B21\u6570",attemptsNext:"{n}\uFF0C{time}\u540E\u91CD\u8BD5",lastError:"\u6700\u8FD1\u9519\u8BEF",none:"\u65E0",reconnect:"\u7ACB\u5373\u91CD\u8FDE",disconnect:"\u65AD\u5F00",ping:"Ping",reset:"\u91CD\u7F6E",resetHint:"\u6E05\u9664\u5C1D\u8BD5\u6B21\u6570\u3001\u7B49\u5F85\u65F6\u95F4\u548C\u6700\u8FD1\u9519\u8BEF",autoReconnect:"\u81EA\u52A8\u91CD\u8FDE",pinged:"{time}\u540E\u5F97\u5230\u5E94\u7B54",notPinged:"Ping \u6CA1\u6709\u5F97\u5230\u5E94\u7B54",resetDone:"\u5DF2\u6E05\u9664\u5C1D\u8BD5\u6B21\u6570\u548C\u6700\u8FD1\u9519\u8BEF",policy:"\u672C\u9875\u7684\u5185\u5BB9\u5B89\u5168\u7B56\u7565\uFF08connect-src\uFF09\u4E0D\u5141\u8BB8\u6B64\u8FDE\u63A5",code1000:"\u6B63\u5E38\u5173\u95ED",code1001:"\u670D\u52A1\u5668\u6B63\u5728\u91CD\u542F",code1005:"\u8FDE\u63A5\u5DF2\u5173\u95ED",code1006:"\u8FDE\u63A5\u4E2D\u65AD",code1011:"\u670D\u52A1\u5668\u9519\u8BEF",code1012:"\u670D\u52A1\u5668\u6B63\u5728\u91CD\u542F",code4001:"\u670D\u52A1\u5668\u6B63\u5728\u91CD\u542F",code4002:"\u5FC3\u8DF3\u8D85\u65F6",code4003:"\u63A5\u6536\u8FC7\u6162",code4004:"\u8D85\u51FA\u9891\u7387\u9650\u5236",code4005:"\u672A\u53CA\u65F6\u63E1\u624B",code4006:"\u9875\u9762\u5DF2\u51BB\u7ED3",code4007:"\u9001\u8FBE\u8BA1\u6570\u4E0D\u4E00\u81F4",code4008:"\u51ED\u636E\u5DF2\u66F4\u6539",code4009:"\u8BF7\u7A0D\u540E\u518D\u8BD5",code4500:"\u5DF2\u88AB\u7BA1\u7406\u5458\u65AD\u5F00",code4501:"\u672A\u767B\u5F55",code4502:"\u4E0D\u5141\u8BB8\u4ECE\u672C\u7AD9\u70B9\u8FDE\u63A5",code4503:"\u5DF2\u9000\u51FA\u767B\u5F55",code4504:"\u4F1A\u8BDD\u8FC7\u591A",code4505:"\u534F\u8BAE\u9519\u8BEF",code4506:"\u4F1A\u8BDD\u5DF2\u5728\u522B\u5904\u7EE7\u7EED"},ae=Object.freeze({4001:"server shutting down",4002:"heartbeat timeout",4003:"slow consumer",4004:"rate limit exceeded",4005:"no hello in time",4007:"delivery count does not match",4008:"credentials changed",4009:"try again later",4500:"disconnected by an administrator",4501:"not authenticated",4502:"origin not allowed",4503:"logged out",4504:"too many sessions",4505:"protocol errors",4506:"session continued elsewhere"}),L={en:oe,zh:Cs};function he(i,t){let e=i.toLowerCase();L[e]={...L[e],...t}}function Ct(i){let t=i.toLowerCase().split("-"),e=t.map((s,n)=>t.slice(0,n+1).join("-"));return Object.assign({},oe,...e.map(s=>Ps(L,s)))}function Ps(i,t){return Object.hasOwn(i,t)?i[t]:{}}function f(i,t){return i.replace(/\{(\w+)\}/g,(e,s)=>t[s]??e)}function le(i,t,e,{placement:s,rightToLeft:n}){let[r,o]=(s??"").split("-"),h=o==="end"!==n?i.right-t.width:i.left,u=i.top-6-t.height,x=i.bottom+6,w=u>=8,T=x+t.height+8<=e.height,Pe=r==="top"?w||!T:w&&!T;return{left:ce(h,e.width-t.width),top:ce(Pe?u:x,e.height-t.height)}}function ce(i,t){return Math.max(8,Math.min(i,t-8))}var bt=class{#t;#e=null;constructor(t){this.#t=t,t.button.addEventListener("click",()=>this.isOpen?this.close():this.open())}get isOpen(){return this.#e!==null}open(){this.isOpen||(this.#e=new AbortController,this.#i(!0),this.#n(document,"keydown",t=>this.#s(t)),this.#n(document,"pointerdown",t=>{t.composedPath().includes(this.#t.host)||this.close()}),this.#n(this.#t.host,"focusout",t=>{t.relatedTarget&&this.close()}),this.#n(window,"resize",()=>this.reposition()),this.#n(window,"scroll",()=>this.reposition(),!0))}close(){this.isOpen&&(this.#e?.abort(),this.#e=null,this.#i(!1))}reposition(){let{host:t,button:e,panel:s}=this.#t,n={width:document.documentElement.clientWidth,height:window.innerHeight},{left:r,top:o}=le(e.getBoundingClientRect(),s.getBoundingClientRect(),n,{placement:t.getAttribute("placement"),rightToLeft:getComputedStyle(t).direction==="rtl"});s.style.left=`${r}px`,s.style.top=`${o}px`}#i(t){let{button:e,panel:s,I:n}=this.#t;e.setAttribute("aria-expanded",String(t)),s.hidden=!t,t?s.showPopover?.():s.hidePopover?.(),n()}#s(t){if(t.key!=="Escape"||t.defaultPrevented)return;t.preventDefault();let{host:e,button:s}=this.#t;(document.activeElement===document.body||e.shadowRoot?.activeElement)&&s.focus(),this.close()}#n(t,e,s,n=!1){t.addEventListener(e,s,{signal:this.#e?.signal,capture:n})}};var ue=`
.button {
  display: inline-flex;
  gap: 0.5em;
  align-items: center;
  max-width: 100%;
  padding: 0.25em 0.6em;
  border: 1px solid color-mix(in srgb, currentcolor 25%, transparent);
  border-radius: 999px;
  background: transparent;
  color: inherit;
  line-height: 1.4;
  text-align: start;
}

.button:hover,
.button[aria-expanded="true"] {
  background: color-mix(in srgb, currentcolor 8%, transparent);
}

.note,
.countdown {
  font-weight: 400;
  font-size: 0.85em;
  font-variant-numeric: tabular-nums;
  white-space: nowrap;
}

:host([compact]) .button {
  padding: 0.35em;
}

:host([compact]) .countdown {
  display: none;
}

.dot {
  --edge: color-mix(in srgb, var(--colour) 55%, currentcolor);
  flex: none;
  width: var(--realtime-status-size, 1em);
  height: var(--realtime-status-size, 1em);
  overflow: visible;
  stroke-linecap: round;
  stroke-linejoin: round;
}

.shape {
  display: none;
  transform-origin: 8px 8px;
}

[data-state="connected"] .connected,
[data-state="degraded"] .degraded,
[data-state="connecting"] .connecting,
[data-state="unstable"] .unstable,
[data-state="error"] .error,
[data-state="disconnected"] .disconnected {
  display: inline;
}

.body {
  fill: var(--colour);
  stroke: var(--edge);
}

.sign,
.ring,
.arc,
.limit {
  fill: none;
  stroke: var(--sign);
  stroke-width: 1.75;
}

.ring {
  stroke: var(--colour);
}

.limit {
  stroke: var(--limit);
  stroke-width: 1.5;
}

.arc {
  stroke: var(--edge);
  transform-origin: 8px 8px;
}

@media (prefers-reduced-motion: no-preference) {
  .arc { animation: spin 1.1s linear infinite; }
  .shape.unstable { animation: throb 0.7s ease-in-out infinite alternate; }
  .shape.error { animation: shake 0.4s ease-out 1; }
  .shape.connected { animation: arrive 0.35s ease-out 1; }
  .track::before { transition: translate 0.15s; }
}

@keyframes spin { to { transform: rotate(1turn); } }
@keyframes throb { from { transform: scale(1.1); } to { transform: scale(0.75); } }
@keyframes shake { 25% { transform: translateX(-1.5px); } 75% { transform: translateX(1.5px); } }
@keyframes arrive { from { transform: scale(0.4); } 60% { transform: scale(1.15); } }
`;var Ds="http://www.w3.org/2000/svg";function de(i,t,e){for(let[s,n]of Object.entries(t))i.setAttribute(s,n);i.append(...e)}function l(i,t={},...e){let s=document.createElement(i);return de(s,t,e),s}function d(i,t={},...e){let s=document.createElementNS(Ds,i);return de(s,t,e),s}function m(i,t){i.textContent!==t&&(i.textContent=t)}function g(i,t){for(let[e,s]of Object.entries(t))i.getAttribute(e)!==s&&i.setAttribute(e,s)}var fe=`
.panel {
  position: fixed;
  inset: auto;
  z-index: 1000;
  width: min(20rem, 100vw - 16px);
  max-height: calc(100vh - 16px);
  margin: 0;
  padding: 0.9rem 1rem 1rem;
  overflow: auto;
  border: 1px solid var(--line);
  border-radius: var(--radius);
  background: var(--background);
  box-shadow: 0 6px 24px rgb(0 0 0 / 18%);
  color: var(--text);
  font: var(--realtime-status-font, 400 0.875rem / 1.4 system-ui, sans-serif);
  letter-spacing: normal;
  text-align: start;
  text-transform: none;
  white-space: normal;
}

.text {
  margin: 0 0 0.7rem;
  padding-inline-start: 0.6rem;
  border-inline-start: 3px solid var(--limit, var(--colour));
  font-weight: 600;
  overflow-wrap: anywhere;
}

.facts {
  display: grid;
  grid-template-columns: repeat(3, 1fr);
  gap: 0.4rem;
  margin: 0 0 0.9rem;
}

dt {
  color: var(--quiet);
}

dd {
  margin: 0;
  font-variant-numeric: tabular-nums;
  overflow-wrap: anywhere;
}

.row {
  display: grid;
  grid-column: 1 / -1;
  grid-template-columns: minmax(5.25rem, max-content) 1fr;
  gap: 0.75rem;
  align-items: center;
}

.latency dd {
  display: flex;
  gap: 0.75rem;
  align-items: center;
  justify-content: space-between;
  white-space: nowrap;
}

.row.lastError {
  align-items: start;
}

.session dd {
  font-family: ui-monospace, monospace;
}

.sparkline {
  width: 6.25rem;
  height: 1.5rem;
}

.base,
.line {
  fill: none;
  stroke: var(--line);
  stroke-linecap: round;
  stroke-linejoin: round;
}

.line {
  stroke: var(--accent);
  stroke-width: 1.5;
}

.count {
  margin-block: 0.25rem;
  padding: 0.35rem 0.25rem;
  border: 1px solid var(--line);
  border-radius: calc(var(--radius) * 0.75);
  text-align: center;
}

.count dt {
  font-size: 0.8125rem;
}

.count dd {
  font-size: 1.125rem;
  font-weight: 600;
  line-height: 1.25;
}

.controls {
  display: grid;
  grid-template-columns: 1fr 1fr;
  gap: 0.5rem;
}

.control {
  min-height: 2.25rem;
  padding: 0.3rem 0.5rem;
  border: 1px solid var(--line);
  border-radius: calc(var(--radius) * 0.75);
  background: transparent;
  color: inherit;
}

.control:hover:not([aria-disabled="true"]),
.switch:hover {
  background: color-mix(in srgb, var(--text) 7%, var(--background));
}

.control[aria-disabled="true"] {
  border-style: dashed;
  color: color-mix(in srgb, var(--text) 50%, var(--background));
  cursor: default;
}

.switch {
  display: flex;
  grid-column: 1 / -1;
  gap: 0.75rem;
  align-items: center;
  justify-content: space-between;
  min-height: 2.25rem;
  padding: 0.3rem 0.25rem;
  border: 0;
  border-radius: calc(var(--radius) * 0.75);
  background: transparent;
  color: inherit;
  text-align: start;
}

.track {
  flex: none;
  width: 2.25rem;
  height: 1.25rem;
  padding: 2px;
  border: 1px solid var(--quiet);
  border-radius: 999px;
}

.track::before {
  display: block;
  width: 0.875rem;
  height: 0.875rem;
  border-radius: 50%;
  background: var(--quiet);
  content: "";
}

.switch[aria-checked="true"] .track {
  border-color: var(--accent);
  background: var(--accent);
}

.switch[aria-checked="true"] .track::before {
  background: var(--background);
  translate: 1rem 0;
}

.switch:dir(rtl)[aria-checked="true"] .track::before {
  translate: -1rem 0;
}
`;var Us=`
:host {
  display: inline-block;
  max-width: 100%;
  vertical-align: middle;
}

:host([hidden]),
[hidden] {
  display: none !important;
}

*,
*::before {
  box-sizing: border-box;
}

.root {
  --text: var(--realtime-status-text, CanvasText);
  --background: var(--realtime-status-background, Canvas);
  --accent: var(--realtime-status-accent, LinkText);
  --quiet: color-mix(in srgb, var(--text) 72%, var(--background));
  --line: color-mix(in srgb, var(--text) 22%, var(--background));
  --radius: var(--realtime-status-radius, 0.5rem);
  --sign: #fff;
  position: relative;
  display: inline-flex;
  max-width: 100%;
}

[data-state="connected"] { --colour: var(--realtime-status-connected, #1f9d4d); }
[data-state="degraded"] {
  --colour: var(--realtime-status-connected, #1f9d4d);
  --limit: var(--realtime-status-unstable, #f28a00);
}
[data-state="connecting"] { --colour: var(--realtime-status-connecting, #f7c600); }
[data-state="unstable"] { --colour: var(--realtime-status-unstable, #f28a00); --sign: #000; }
[data-state="error"] { --colour: var(--realtime-status-error, #d62828); }
[data-state="disconnected"] { --colour: var(--realtime-status-disconnected, #7d8590); }

.unseen,
:host([compact]) .words {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}

button {
  margin: 0;
  font: inherit;
  letter-spacing: inherit;
  cursor: pointer;
}

button:focus-visible {
  outline: 2px solid var(--accent);
  outline-offset: 2px;
}
`,$s=`
@media (forced-colors: active) {
  .root { --line: ButtonBorder; --quiet: CanvasText; --accent: Highlight; --background: Canvas; }
  .root[data-state] { --colour: CanvasText; --sign: Canvas; --limit: CanvasText; }
  .dot { --edge: ButtonText; --colour: ButtonText; --sign: ButtonFace; --limit: ButtonText; }
  .control[aria-disabled="true"] { color: GrayText; }
  .track { forced-color-adjust: none; }
}
`,pe=Us+ue+fe+$s,xt=null;function me(i){if(!("replaceSync"in CSSStyleSheet.prototype))return i.append(l("style",{},pe));xt||(xt=new CSSStyleSheet,xt.replaceSync(pe)),i.adoptedStyleSheets=[xt]}var ge=1e3,Pt=class{#t;#e;#i=new Set;constructor(t){this.#t=t,this.#e=new c(t)}get running(){return this.#e.pending}add(t){this.#i.add(t),this.running||this.#s()}delete(t){this.#i.delete(t),this.#i.size===0&&this.#e.clear()}#s(){this.#e.set(ge-this.#t.wall()%ge,()=>this.#n())}#n(){this.#s();for(let t of[...this.#i])t()}},C=new Pt(E({}));function we(){return d("svg",{class:"dot",part:"dot",viewBox:"0 0 16 16","aria-hidden":"true"},M("connected",d("circle",{class:"body",cx:"8",cy:"8",r:"6"})),M("degraded",d("circle",{class:"body",cx:"8",cy:"8",r:"4.25"}),d("circle",{class:"limit",cx:"8",cy:"8",r:"7"})),M("connecting",d("circle",{class:"body",cx:"8",cy:"8",r:"3.5"}),d("path",{class:"arc",d:"M8 1.25a6.75 6.75 0 1 1-6.75 6.75"})),M("unstable",d("path",{class:"body",d:"M8 1.75 14.75 14H1.25Z"}),d("path",{class:"sign",d:"M8 6v3.6m0 2.1v.05"})),M("error",d("path",{class:"body",d:"M5.2 1.25h5.6l3.95 3.95v5.6l-3.95 3.95H5.2L1.25 10.8V5.2Z"}),d("path",{class:"sign",d:"m5.5 5.5 5 5m0-5-5 5"})),M("disconnected",d("circle",{class:"ring",cx:"8",cy:"8",r:"5.75"}),d("path",{class:"ring",d:"m4 12 8-8"})))}function M(i,...t){return d("g",{class:`shape ${i}`},...t)}function be(i,{width:t,height:e}){let s=Math.max(10,...i.filter(o=>o!==null)),n=t/(Math.max(i.length,12)-1),r=t-n*(i.length-1);return i.map((o,a)=>js(i,a,r+a*n,e,s,o)).join("")}function js(i,t,e,s,n,r){if(r===null)return"";let o=`${ye(e)} ${ye(s-r/n*s)}`;return typeof i[t-1]=="number"?`L${o}`:typeof i[t+1]!="number"?`M${o}h0`:`M${o}`}function ye(i){return Math.round(i*10)/10}function xe(i){let t=i.filter(e=>e!==null);return t.length===0?null:{count:t.length,fastest:Math.min(...t),slowest:Math.max(...t)}}var Se={width:96,height:20},ve=["reconnect","disconnect","ping","reset"],Te=["since","session","latency","attempts","lastError"],Ee=["pings","pongs","misses"],St=class{#t=new Map;#e=new Map;#i=l("span",{class:"unseen"});#s=l("span",{class:"word",part:"word"});#n=l("span",{class:"note",part:"note"});#o=l("span",{class:"countdown",part:"countdown","aria-hidden":"true"});#r=l("p",{class:"text",part:"text"});#a=d("path",{class:"line"});#h;#l=l("span");#u=l("span",{class:"unseen",role:"status"});#d;button;panel;constructor(t,e){let{width:s,height:n}=Se,r=`-2 -2 ${s+4} ${n+4}`;this.#h=d("svg",{class:"sparkline",part:"sparkline",viewBox:r,role:"img"},d("path",{class:"base",d:`M0 ${n}h${s}`}),this.#a),this.button=this.#c(),this.panel=this.#g(e),this.#d=l("span",{class:"root"},this.button,this.panel,this.#u),t.append(this.#d)}translate(t){m(this.#i,`${t.label}: `),g(this.panel,{"aria-label":t.details});for(let[e,{term:s}]of this.#t)m(s,t[e]);for(let e of Ee)g(this.#b(e).group,{title:t[`${e}Hint`]});for(let e of ve)m(this.#w(e),t[e]);this.#w("reset").title=t.resetHint,m(this.#l,t.autoReconnect)}renderButton(t){g(this.#d,{"data-state":t.displayState}),m(this.#s,t.word),m(this.#n,t.note),m(this.#o,t.countdown)}renderPanel(t,e){m(this.#r,t.text);for(let[s,{value:n}]of this.#t)m(n,String(t[s]));g(this.#a,{d:be(e,Se)}),g(this.#h,{"aria-label":t.latencyRange}),this.#h.toggleAttribute("hidden",!t.latencyRange);for(let[s,n]of Object.entries(t.enabled)){let r=this.#w(s);g(r,{"aria-disabled":String(!n)})}g(this.#w("autoReconnect"),{"aria-checked":String(t.autoReconnect)})}announce(t){this.#u.textContent=t}#c(){return l("button",{type:"button",class:"button",part:"button","aria-expanded":"false","aria-controls":"panel"},we(),l("span",{class:"words"},this.#i,this.#s," ",this.#n," ",this.#o))}#g(t){let e=l("dl",{class:"facts",part:"facts"});for(let o of Te.slice(0,3))e.append(this.#f(o,"row"));for(let o of Ee)e.append(this.#f(o,"count"));for(let o of Te.slice(3))e.append(this.#f(o,"row"));this.#b("latency").value.after(this.#h);let s=l("div",{class:"controls",part:"controls"});s.append(...ve.map(o=>this.#p(o,t)),this.#m(t));let r=l("div",{class:"panel",part:"panel",id:"panel",role:"group"},this.#r,e,s);return r.popover="manual",r.hidden=!0,r}#f(t,e){let[s,n]=[l("dt"),l("span")],r=l("div",{class:`${e} ${t}`},s,l("dd",{},n));return this.#t.set(t,{term:s,value:n,group:r}),r}#p(t,e){let s=l("button",{type:"button",class:"control",part:`control ${t}`});return s.addEventListener("click",()=>{s.getAttribute("aria-disabled")!=="true"&&e(t)}),this.#e.set(t,s),s}#m(t){let e=this.#p("autoReconnect",t);return g(e,{class:"switch",part:"switch",role:"switch"}),e.append(this.#l,l("span",{class:"track",part:"track"})),e}#w(t){return this.#e.get(t)}#b(t){let e=this.#t.get(t);if(!e)throw new Error(t);return e}};var qs=8;function ke(i,t,e){let{words:s,formats:n}=e,r=Me(i);return{displayState:r,word:s[i.state],note:r==="degraded"?s.degraded:"",countdown:Bs(i,e),text:Ws(i,e),since:Gs(i.stateSince,e),session:i.session?`${i.session.slice(0,qs)}\u2026`:"\u2013",latency:i.latency===null?"\u2013":n.latency(i.latency),latencyRange:zs(t,e),pings:n.number(i.pings),pongs:n.number(i.pongs),misses:n.number(i.misses),attempts:Ks(i,e),lastError:Js(i,e),enabled:Xs(i),autoReconnect:i.autoReconnect}}function Re(i,t){return i==="degraded"?`${t.connected} ${t.degraded}`:t[i]}function Me({state:i,degraded:t}){return i==="connected"&&t?"degraded":i}function Dt({nextAttemptAt:i},{now:t,formats:e}){return i===null?"":e.duration(Math.ceil((i-t)/1e3)*1e3)}function Bs(i,t){let e=Dt(i,t);return e&&f(t.words.countdown,{time:e})}function Ws(i,t){let{words:e}=t;return i.state==="connecting"?Fs(i,t):i.state==="error"?`${Hs(i,t)} ${Ae(i,t)}`:i.state!=="disconnected"?e[`${Me(i)}Text`]:i.reason?`${f(e.endedText,{error:Oe(i,e)})} ${Ae(i,t)}`.trim():e.disconnectedText}function Ae(i,{words:t}){let{state:e,autoReconnect:s}=i;return q(_e(i)?.code)?s?t.logInText:t.logInAndText:e==="error"?t.stayingText:s?"":t.switchedOffText}function Fs(i,t){let{words:e,formats:s}=t,n=Dt(i,t);return i.reason===y(1012)?n?f(e.restartingWaitingText,{time:n}):e.restartingText:n?f(e.waitingText,{time:n}):i.attempts<2?e.connectingText:f(e.retryingText,{n:s.number(i.attempts)})}function Hs(i,{words:t,formats:e}){let s=Oe(i,t),r=i.reason!==i.lastError?.reason&&!S(i.lastError?.code??0)?t.gaveUpText:t.endedText;return f(r,{error:s,n:e.number(i.attempts)})}function _e({reason:i,lastError:t}){return t&&i.endsWith(t.reason)?t:null}function Oe(i,t){let e=_e(i);return e?Ne(e,t):i.reason}function Ne({code:i,reason:t},e){return t===B?e.policy:!(i<4e3||t===ae[i]||t===y(i))||t.startsWith(At)?t:e[`code${i}`]??t}function Gs(i,{now:t,formats:e}){return`${e.moment(i,t)} \xB7 ${e.duration(t-i)}`}function zs(i,{words:t,formats:e}){let s=xe(i);if(!s)return"";let{count:n,fastest:r,slowest:o}=s,[a,h]=[e.latency(r),e.latency(o)];return f(t.latencyRange,{n:e.number(n),min:a,max:h})}function Ks(i,t){let{words:e,formats:s}=t;if(i.attempts===0)return e.none;let n=s.number(i.attempts),r=Dt(i,t);return r?f(e.attemptsNext,{n,time:r}):n}function Js({lastError:i},{now:t,words:e,formats:s}){return i?`${Ne(i,e)} (${i.code}), ${s.moment(i.at,t)}`:e.none}function Xs({state:i,nextAttemptAt:t}){return{reconnect:i==="disconnected"||i==="error"||t!==null,disconnect:i!=="disconnected",ping:i==="connected"||i==="unstable"}}var Vs=globalThis.HTMLElement??class{},Ut=new Set,P=class extends Vs{static observedAttributes=["url","lang","placement"];#t;#e;#i;#s=Ct("");#n=Lt("en");#o="";#r=null;#a=null;#h=null;#l=()=>this.#f();constructor(){super();let t=this.attachShadow({mode:"open",delegatesFocus:!0});me(t),this.#t=new St(t,n=>this.#b(n));let{button:e,panel:s}=this.#t;this.#e=new bt({host:this,button:e,panel:s,I:()=>this.#g()}),this.#i=new wt(C,()=>performance.now(),n=>this.#w(Re(n,this.#s)))}static get languages(){return L}static addLanguage(t,e){he(t,e);for(let s of Ut)s.#p()}get client(){return this.#r}set client(t){this.#a=t,this.isConnected&&this.#d()}get open(){return this.#e.isOpen}set open(t){t?this.#e.open():this.#e.close()}connectedCallback(){Ut.add(this),this.#d()}disconnectedCallback(){Ut.delete(this),this.#e.close(),this.#c()}attributeChangedCallback(t){!this.isConnected||!this.#r||(t==="url"&&this.#d(),t==="lang"&&this.#p(),t==="placement"&&this.open&&this.#e.reposition())}get#u(){return this.#r&&yt.of(this.#r)}#d(){this.#c(),this.#r=this.#a??gt(Ys(this)),this.#u?.add(this),this.#h=new AbortController;let{signal:t}=this.#h;this.#r.addEventListener("state",()=>this.#f(),{signal:t}),this.#r.addEventListener("notice",()=>this.#f(),{signal:t}),this.#r.addEventListener("latency",()=>this.open&&this.#f(),{signal:t}),this.#f()}#c(){this.#h?.abort(),this.#i.stop(),C.delete(this.#l),this.#u?.delete(this)}#g(){this.#f(),this.dispatchEvent(new Event("toggle"))}#f(){let t=this.#r,e=this.#u;if(!t||!e||!this.isConnected)return;this.#m(),this.open&&!document.hidden&&e.measureLatency(performance.now());let s={now:Date.now(),words:this.#s,formats:this.#n},n=ke(t.stats(),e.samples,s);this.#t.renderButton(n),this.open&&(this.#t.renderPanel(n,e.samples),this.#e.reposition()),this.#i.update(n.displayState),this.open||n.countdown?C.add(this.#l):C.delete(this.#l)}#p(){this.#o="",this.#f()}#m(){let t=Ie(this);t!==this.#o&&(this.#o=t,this.#s=Ct(t),this.#n=Lt(t),this.#t.translate(this.#s))}#w(t){this.#u?.isAnnouncer(this)&&this.#t.announce(`${this.#s.label}: ${t}`)}#b(t){let e=this.#r;e&&(t==="reconnect"&&e.connect(),t==="disconnect"&&e.disconnect(),t==="ping"&&this.#y(e),t==="reset"&&this.#x(e),t==="autoReconnect"&&Zs(e),this.#f())}async#y(t){let{pinged:e,notPinged:s}=this.#s,n=await t.ping().then(r=>f(e,{time:this.#n.latency(r)}),()=>s);this.#t.announce(n)}#x(t){t.resetReconnectState(),this.#t.announce(this.#s.resetDone)}};function Ys(i){let t=i.getAttribute("url")??void 0;return{...JSON.parse(i.getAttribute("options")??"{}"),url:t}}function Zs(i){i.stats().autoReconnect?i.disableAutoReconnect():i.enableAutoReconnect()}function Ie(i){let t=i.closest("[lang]");if(t)return t.getAttribute("lang")||"en";let e=i.getRootNode();return e instanceof ShadowRoot?Ie(e.host):"en"}function Wr(i={}){let t=gt(i);return It(t),t}var Le=globalThis.customElements,Ce=Le?.get("realtime-status");Ce||Le?.define("realtime-status",P);var Gr=Ce??P;export{I as RealtimeClient,Gr as RealtimeStatus,Wr as connect};
