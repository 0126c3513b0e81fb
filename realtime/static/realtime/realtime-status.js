function _(s){let t=new URL(s,xe());return t.protocol=t.protocol.replace(/^http/,"ws"),t.href}function N(){return globalThis.document?.querySelector?.("script[data-realtime-url]")?.getAttribute("data-realtime-url")??"/ws/"}function xe(){let{document:s,location:t}=globalThis;return(s?.baseURI||t?.href)?.replace(/^blob:(?=\w+:)/,"")}function ut(s=globalThis.window){if(!s?.parent||s.parent===s)return"";let{parent:t}=s,e=0;for(;e<t.length&&t[e]!==s;)e+=1;return`${ut(t)}/${e}`}var v=class{#t=0;#e=!0;#s=3e4;#n=0;get attemptMs(){let t=Math.max(1e4,5*this.#t);return Math.min(6e4,t*2**this.#n)}answerMs(t){return Math.max(t,Math.min(this.#s,2*this.#t))}onAttemptTimeout(){this.#n+=1}onWelcome({pong_timeout:t,max_missed:e=3},n){this.#s=t*e,this.#n=0,this.#t=n,this.#e=!0}onLatency(t){let e=this.#e?0:this.#t;this.#e=!1,this.#t=Math.max(t,(e+t)/2)}};var L=Object.freeze({base:1e3,factor:2,cap:3e4,jitter:1,maxAttempts:1/0});function I(s,{base:t,factor:e,cap:n,jitter:i},o){return Math.min(n,t*e**s)*(1-i*o())}function dt(s,t){let[e,n]=Array.isArray(s)?s:[];return e>=0&&n>=e&&n<1/0?e+(n-e)*t():null}function C(s){return{WebSocket:globalThis.WebSocket,now:()=>performance.now(),wall:()=>Date.now(),setTimeout:(t,e)=>setTimeout(t,e),clearTimeout:t=>clearTimeout(t),random:Math.random,storage:At("sessionStorage"),local:At("localStorage"),window:globalThis.window??Et(),document:globalThis.document??null,network:globalThis.navigator?.connection??null,policy:globalThis.document??Et(),...s}}function At(s){if(!globalThis.window)return null;try{return globalThis[s]??null}catch{return null}}function Et(){return typeof globalThis.addEventListener=="function"?globalThis:null}var Se=Object.freeze({1e3:"normal closure",1001:"server shutting down",1005:"connection closed",1006:"connection lost",1011:"server error",1012:"server restarting",4006:"page frozen"}),ve=new Set([1001,1012,4001,4002,4003,4007,4008]),Te=new Set([4002]),Ae=new Set([1001,1012,4001]),Ee=new Set([4501,4503]),ke=new Set([4500,4503]);function w(s){return Se[s]??`code ${s}`}function x(s){return s>=4500&&s<=4999}function kt(s){return x(s)?"stay":ve.has(s)?"soon":"backoff"}function Mt(s){return ke.has(s)}function Rt(s){return s!==void 0&&Ae.has(s)}function P(s){return s!==void 0&&Ee.has(s)}function ft(s){return Te.has(s)}var D="forbidden by the page's content security policy (connect-src)",pt="no connection can be made: ";function Ot({disposition:s,effectiveDirective:t,blockedURI:e=""},n){return s==="report"||t!=="connect-src"?!1:e!==""&&n.startsWith(e)}function _t(s){let t=/^(Security|Syntax|Type|Reference)Error$/.test(s?.name);return{code:1006,reason:pt+(s?.message??s),permanent:t}}var U=class{#t;#e;#s;#n=0;#o=0;#r=0;constructor({window:t,window_bytes:e},n){this.#t=t,this.#e=e,this.#s=n}onPublication(t){this.#n+=1,this.#r+=t,!(this.#n-this.#o<this.#t/4&&this.#r<this.#e/4)&&this.#s({type:"received",count:this.acknowledge()})}acknowledge(){return this.#r=0,this.#o=this.#n,this.#n}};function T(s){try{return JSON.parse(s)}catch{return null}}var Me=/(?:^|[^\\])(?:\\\\)*\\ud[89a-f]/;function Nt(s){try{let t=JSON.stringify(s)??null;return t&&Me.test(t)?null:t}catch{return null}}function $(s){let t=s.length;for(let e=0;e<s.length;e+=1){let n=s.charCodeAt(e);n>127&&(t+=n>2047?2:1),n>=56320&&n<=57343&&Re(s.charCodeAt(e-1))&&(t-=2)}return t}function Re(s){return s>=55296&&s<=56319}var l=class{#t;#e=null;constructor(t){this.#t=t}set(t,e){this.clear(),this.#e=this.#t.setTimeout(()=>{this.#e=null,e()},t)}clear(){this.#t.clearTimeout(this.#e),this.#e=null}get pending(){return this.#e!==null}};var W=class{#t;#e;#s;#n;#o=0;#r=0;#i=null;constructor(t,e,n){this.#t=t,this.#e=n,this.#s=e,this.#n=new l(t)}send(){if(this.#i)return;this.#i=[],this.#o+=1,this.#r=this.#t.now(),this.#n.set(this.#s(),()=>this.#a());let t=this.#t.wall();this.#e.send({type:"ping",sequence:this.#o,client_time:t})}measure(){return this.send(),new Promise((t,e)=>{this.#i?this.#i.push({resolve:t,reject:e}):e(new Error("the connection has ended"))})}onPong(t){if(!this.#i||t!==this.#o)return null;let e=this.#t.now()-this.#r;for(let{resolve:n}of this.#c())n(e);return e}rejectAll(t){for(let{reject:e}of this.#c())e(new Error(t))}#a(){this.rejectAll("no answer to the ping"),this.#e.onMiss()}#c(){let t=this.#i??[];return this.#i=null,this.#n.clear(),t}};var A=class extends Error{},Oe=Object.freeze({alive:{life:"alive",miss:"unstable",last_miss:"dead",silence:"dead"},unstable:{life:"alive",miss:"unstable",last_miss:"dead",silence:"dead"}}),F=class{#t;#e;#s=1/0;#n;#o=new Map;#r="alive";missed=0;sequence=0;constructor(t,e,{firstPing:n=t.pingInterval}={}){this.#t={sessionTimeout:1/0,idleOnly:!1,...t},this.#e=e+n,this.#n=e}get state(){return this.#r}adapt({pongTimeout:t}){this.#t.pongTimeout=t}get due(){return this.#r==="dead"?1/0:Math.min(this.#e,this.#s,this.#i)}get outstanding(){return[...this.#o.keys()]}get#i(){return this.#n+this.#t.sessionTimeout}tick(t){return this.#h("tick"),t>=this.#i?this.#l("silence"):t>=this.#s?this.#c(t):t>=this.#e?this.#u(this.#e,t):null}probe(t,{within:e=1/0}={}){this.#h("probe");let n=this.#u(t,t);return this.#s=Math.min(this.#s,t+e),n}pong(t,e){this.#h("pong");let n=this.#o.get(t);if(n===void 0)return null;for(let i of this.outstanding)i<=t&&this.#o.delete(i);return this.#n=e,this.#a(e),e-n}traffic(t){this.#a(t)}excuse(t){this.#e+=t,this.#s+=t,this.#n+=t}#a(t){this.#d("life"),this.missed=0,this.#s=1/0,this.#t.idleOnly&&(this.#e=t+this.#t.pingInterval)}#c(t){if(this.missed+=1,this.missed>=this.#t.maxMissed)return this.#l("last_miss");this.#d("miss");let e=this.#s;return this.#s=1/0,this.#u(e,t)}#u(t,e){return this.sequence+=1,this.#o.set(this.sequence,e),this.#o.delete(this.sequence-this.#t.maxMissed),this.#s=Math.min(this.#s,t+this.#t.pongTimeout),this.#e=t+this.#t.pingInterval,this.#e<=e&&(this.#e=e+this.#t.pingInterval),{type:"ping",sequence:this.sequence,missed:this.missed}}#l(t){return this.#d(t),{type:"dead",missed:this.missed}}#d(t){let e=Oe[this.#r]?.[t];if(e===void 0)throw new A(`${t} while ${this.#r}`);this.#r=e}#h(t){if(this.#r==="dead")throw new A(`${t} while dead`)}};var _e=1e3,Lt=2e3,Ne=1500,j=class{#t;#e;#s;#n;#o;#r;#i;#a=0;#c={now:0,wall:0};#u=0;#l=1/0;#d=1/0;#h=!1;#g=!1;#f=!1;constructor(t,e,n,i=new v){this.#o=t.pong_timeout/2;let o={pingInterval:(t.ping_interval+this.#o)/1e3,pongTimeout:this.#o/1e3,maxMissed:1,sessionTimeout:1/0,idleOnly:!0};this.#e=e,this.#s=n,this.#n=i,this.#r=new l(e),this.#i=Math.min(Ne,this.#o),this.#t=new F(o,this.#p),this.#u=e.now(),this.#m()}get#p(){return this.#e.now()/1e3}onFrame(){this.#u=this.#e.now(),this.#t.traffic(this.#p),this.#l=this.#d=1/0,this.#g=!1,this.#h&&(this.#h=!1,this.#s.onDoubt(!1))}probe(){if(this.#h)return;this.#l=this.#d=1/0,this.#A();let t=this.#n.answerMs(Lt)/1e3;this.#E(this.#t.probe(this.#p,{within:t})),this.#m()}expectAnswer(){if(this.#h||this.#l<1/0)return;let t=this.#n.answerMs(Lt);this.#l=this.#e.now()+t,this.#d=this.#l-t/2}stop(){this.#f=!0,this.#r.clear()}#m(){if(this.#f)return;let{now:t,wall:e}=this.#e,n=Math.min(this.#t.due*1e3,this.#l,this.#d),i=Math.ceil(Math.max(0,Math.min(_e,n-t())));this.#a=t(),this.#c={now:t()+i,wall:e()+i},this.#r.set(i,()=>this.#w())}#w(){let t=this.#y();t>this.#i&&!this.#b?this.#x():this.#k(t),this.#m()}#y(){let{now:t,wall:e}=this.#e;return Math.max(t()-this.#c.now,e()-this.#c.wall)}get#b(){return this.#g||this.#u>=this.#c.now}#x(){this.#g=!0,this.#t.excuse((this.#e.now()-this.#a)/1e3),this.probe()}#k(t){t<=this.#i&&(this.#g=!1),this.#A(),this.#E(this.#t.tick(this.#p)),this.#f||this.#M()}#M(){let t=this.#e.now();if(t>=this.#l)return this.probe();t<this.#d||(this.#d=1/0,this.#s.sendPing())}#A(){let t=this.#n.answerMs(this.#o)/1e3;this.#t.adapt({pongTimeout:t})}#E(t){t?.type==="dead"&&this.#s.onLost(),t?.type==="ping"&&(this.#h=!0,this.#s.sendPing(),this.#f||this.#s.onDoubt(!0))}};var Le="realtime.v1",Ie=1e3,Ce=3e3,Pe=1e3,It=1,B=class{#t;#e;#s;#n;#o;#r;#i;#a=null;#c=null;#u=null;#l=0;#d=0;#h=!1;degraded=!1;constructor(t,e,n,i){this.#t=e,this.#e=n,this.#s=i,this.#o=new l(e),this.#r=e.now(),this.#i=o=>Ot(o,t)&&this.#w(),e.policy?.addEventListener("securitypolicyviolation",this.#i),this.#n=this.#g(t),this.#p()}#g(t){try{let e=new this.#t.WebSocket(t,Le);return e.binaryType="arraybuffer",e.onopen=()=>this.#f(),e.onmessage=({data:n})=>this.#y(n),e.onclose=({code:n,reason:i})=>this.#v({code:n,reason:i}),e.onerror=()=>this.#u||this.#p(Pe,"the browser refuses to connect"),e}catch(e){throw this.#m(),e}}get isStuck(){return!this.#u&&this.#t.now()-this.#r>=Ce}send(t){return this.#n.readyState!==It?!1:(this.#n.send(JSON.stringify(t)),t.id&&this.#a?.expectAnswer(),this.#e.onFrame("out",t.auth?{...t,auth:"\u2026"}:t),!0)}sendBytes(t){if(!this.#u||this.#n.readyState!==It)return!1;let e=t instanceof Blob?t.size:t.byteLength;if(typeof e!="number")throw new TypeError("expected a buffer, a view of one, or a blob");if(e>this.#d)throw new RangeError(`${e} bytes, where the server takes ${this.#d}`);return this.#n.send(t),this.#a?.expectAnswer(),!0}probe(){this.#a?.probe()}pingQuietly(){this.#c?.send(),this.#a?.expectAnswer()}measureLatency(){return this.#c?.measure()}close(t){this.#h=!0;let e=this.#n;e.onopen=e.onmessage=e.onclose=e.onerror=null,this.#o.clear(),this.#m(),this.#a?.stop(),this.#c?.rejectAll("the connection has ended"),this.#n.close(t)}#f(){this.#m(),this.#r=this.#t.now(),this.#p(),this.send(this.#e.hello())}#p(t=this.#s.attemptMs,e=`no answer within ${Math.round(t/1e3)} s`){this.#o.set(t,()=>{this.#s.onAttemptTimeout(),this.#v({code:1006,reason:e})})}#m(){let{policy:t}=this.#t;t?.removeEventListener("securitypolicyviolation",this.#i)}#w(){this.#v({code:1006,reason:D,permanent:!0})}#y(t){if(this.#a?.onFrame(),this.#h)return;if(typeof t!="string")return this.#u?this.#e.onBytes(t):void 0;let e=T(t);typeof e?.type=="string"&&(this.#e.onFrame("in",e),this.#h||this.#b(e,t))}#b(t,e){switch(t.type){case"welcome":return this.#x(t);case"ping":return this.#M(t);case"pong":return this.#A(t);case"notice":return this.#E(t);case"auth_expiring":return this.#e.onAuthExpiring();case"goodbye":return this.#v({code:t.code,reason:t.reason,delay:t.delay});case"publication":this.#u?.onPublication($(e))}this.#u&&!this.#h&&this.#e.onRoomFrame(t)}#x(t){if(this.#a)return;let e=this.#t.now()-this.#r;this.#s.onWelcome(t,e),this.#o.clear(),this.#d=t.max_message_size;let n=i=>this.send(i);this.#u=new U(t,n),this.#c=new W(this.#t,()=>this.#s.answerMs(t.pong_timeout),{send:n,onMiss:()=>this.#e.onLatency(null)}),this.#a=this.#k(t),this.#e.onWelcome(t),e>Ie&&!this.#h&&this.#c.send()}#k(t){let e={sendPing:()=>this.#c?.send(),onDoubt:n=>this.#e.onDoubt(n),onLost:()=>this.#R()};return new j(t,this.#t,e,this.#s)}#M({sequence:t,timestamp:e}){this.#l+=1;let n=this.#t.wall(),i=this.#l,o=this.#u?.acknowledge();this.send({type:"pong",sequence:t,timestamp:e,client_time:n,received:o,ping_count:i})}#A({sequence:t}){let e=this.#c?.onPong(t)??null;e!==null&&(this.#s.onLatency(e),this.#e.onLatency(e))}#E({state:t}){t!=="degraded"&&t!=="ok"||(this.degraded=t==="degraded",this.#e.onNotice(t))}#R(){this.#e.onLatency(null),this.#h||this.#v({code:1006,reason:"the server does not answer"})}#v({code:t,reason:e,delay:n,permanent:i}){this.close(),this.#e.onEnd({code:t,reason:e||w(t),delay:n,permanent:i})}};var H=class{lastError=null;isRestarting=!1;record(t){t.code===1006&&this.isRestarting||(this.isRestarting=Rt(t.code),this.lastError=t)}};var De=3e4,G=class{#t;#e;#s;#n;#o=!1;#r=!1;#i=-1/0;constructor(t,e,n,i){this.#e=`realtime:welcome:${t}`,this.#t=e,this.#n=n,this.#s=i}onFinalClose(t){this.#o=P(t)||t===4008,this.#r=!1}cancel(){this.#o=!1,this.#r=!1}onAttention(){!this.#o||this.#n.ms-this.#i<De||(this.#i=this.#n.ms,this.#o=!1,this.#s())}onStorage(t){!this.#o||t!==this.#e||(this.#o=!1,this.#r=!0,this.#s())}onWelcome(t){let e=!t&&!this.#r;this.cancel(),e&&this.#a()}#a(){let{local:t,wall:e,random:n}=this.#t;try{t?.setItem(this.#e,`${e()} ${n()}`)}catch{}}};var Ue={...L,cap:1e4},$e=24e4,We=5e3,q=class{#t;#e;#s;#n;#o;#r=0;#i=[];#a=0;#c=!1;#u=!1;constructor(t,e,n){this.#t=t,this.#e=e,this.#s=n,this.#n=new l(t),this.#o=new l(t)}add(t){this.#i.push(t),this.#h()}addIfUp(t){this.#s.isUp()&&!this.#l(t.frame)&&this.add(t)}#l({type:t,room:e}){let n=this.#i.slice(this.#c?1:0).filter(({frame:r})=>r.room===e),[i,o]=n.slice(-2);return t!=="leave"||i?.frame.type!=="leave"||o?.frame.type!=="join"?!1:(this.#i.splice(this.#i.indexOf(o),1),!0)}pause(){this.#c=!0}restart(t){this.#i=[...t,...this.messages],this.#c=!1,this.#n.clear(),this.#h()}abandon(t){let{messages:e}=this;this.#i=[],this.#n.clear(),this.#o.clear();for(let{settle:n}of e)n?.(t)}get messages(){return this.#i.filter(Ct)}onFrame(t){let{code:e,room:n,id:i=e&&!n?this.#a:null}=t,[o]=this.#i;return!o||!this.#c||i!==this.#a?!1:(this.#c=!1,e==="unavailable"||e==="rate_limited"?(e==="rate_limited"&&this.#u&&delete o.sentAt,this.#d(o.frame.room),!0):(this.#r=0,this.#i.shift(),this.#g(),o.settle?.(t),this.#h(),!0))}#d(t){let e=({frame:i})=>i.room===t?1:0;this.#i.sort((i,o)=>e(i)-e(o));let n=I(this.#r++,Ue,this.#t.random);this.#n.set(n,()=>this.#h())}#h(){if(this.#c||this.#n.pending)return;this.#p(({ms:e})=>this.#e.ms-e);let[t]=this.#i;t&&(this.#c=!0,this.#a+=1,this.#c=this.#s.send({...t.frame,id:this.#a}),!(!this.#c||!Ct(t))&&(this.#u=!t.sentAt,t.sentAt??={now:this.#t.now(),ms:this.#e.ms},this.#g()))}#g(){this.#i.some(({sentAt:t})=>t)?this.#o.pending||this.#o.set(We,()=>this.#f()):this.#o.clear()}#f(){let t=this.#s.isUp(),[e]=this.#i;this.#p(({now:n,ms:i})=>t?this.#t.now()-n:this.#e.ms-i),t&&e!==this.#i[0]&&(this.#c=!1),this.#g(),this.#h()}#p(t){let e=({sentAt:o})=>o&&t(o)>=$e,n=this.#i.filter(e);this.#i=this.#i.filter(o=>!n.includes(o));let i="no answer within 4 minutes: the server may have it or not";for(let{settle:o}of n)o?.({code:"unknown",detail:i})}};function Ct(s){return s?.frame.type==="message"}var z=class{#t;#e;#s=new Map;#n=new Set;constructor(t,e){this.#t=t,this.#e=e}join(t){this.#s.has(t)||this.#t.addIfUp(this.#r(this.#o(t)))}leave(t){let e=this.#s.get(t);e&&(this.#t.addIfUp(Dt(t)),this.#a(e,"left"))}pause(){for(let t of[...this.#s.values()])t.silent||(t.silent=!0,this.#e("left",{room:t.room,code:"disconnected"}))}hello(){let t=[...this.#s.values()];for(let n of t)n.joined=!1;let e=t.slice(0,1e3);return Object.fromEntries(e.map(({room:n,position:i})=>[n,i]))}onWelcome({rooms:t}){for(let[o,r]of Object.entries(t)){let a=Pt(o)?this.#o(o):this.#s.get(o);a&&(!a.position||"recovered"in r)&&this.#i(a,r)}let e=o=>!Pt(o)&&!this.#s.has(o),n=Object.keys(t).filter(e),i=[...this.#s.values()].filter(({joined:o})=>!o);return[...n.map(Dt),...i.map(o=>this.#r(o))]}onFrame(t){let e=this.#s.get(t.room);e?.joined&&(t.type==="publication"?this.#u(e,t):t.type==="joined"?this.#i(e,t):t.type==="left"&&this.#a(e,null))}#o(t){let e=this.#s.get(t);if(e)return e;let n=this.#n.delete(t),i={room:t,joined:!1,position:null,gap:n,silent:!1};return this.#s.set(t,i),i}#r(t){let{room:e,position:n}=t;return{frame:{type:"join",room:e,position:n},settle:i=>{i.code?this.#a(t,i.code):this.#i(t,i)}}}#i(t,e){let{room:n,gap:i}=t;if(this.#s.get(n)!==t)return;let{epoch:o,offset:r,reason:a="left"}=e,h=i?!1:e.recovered??null;t.joined=!0,t.gap=t.silent=!1,(!h||!t.position)&&(t.position={epoch:o,offset:r}),this.#e("joined",{room:n,offset:r,recovered:h}),h===!1&&this.#e("resync",{room:n,reason:a})}#a(t,e){let{room:n}=t;this.#s.get(n)===t&&(this.#s.delete(n),(t.position||t.gap)&&this.#c(n),this.#e("left",{room:n,code:e}))}#c(t){this.#n.add(t);let[e]=this.#n;e!==void 0&&this.#n.size>1e3&&this.#n.delete(e)}#u(t,{room:e,offset:n,time:i,data:o}){let{position:r}=t;if(!(!r||n<=r.offset)){if(n>r.offset+1)return t.joined=!1,this.#t.addIfUp(this.#r(t));t.position={...r,offset:n},this.#e("message",{room:e,data:o,offset:n,time:i})}}};function Pt(s){return s.startsWith("user:")}function Dt(s){return{frame:{type:"leave",room:s}}}var Fe=200,V=class{#t;#e;rooms;#s=65536;#n="";constructor(t,e,n,i){this.#t=t,this.#e=new q(t,e,n),this.rooms=new z(this.#e,i)}async send(t,e){let n=Nt(e);if(!n||$(n)>this.#s)throw K("invalid_message",`no JSON, or above ${this.#s} bytes`);if(this.#n)throw K("disconnected",this.#n);if(this.#e.messages.length>=Fe)throw K("queue_full","the queue is full");let{random:i}=this.#t,o=`${i()}${i()}`,r={type:"message",room:t,data:T(n),key:o};return new Promise((a,h)=>{let d=({code:y,detail:b})=>y?h(K(y,b)):a();this.#e.add({frame:r,settle:d})})}open(){this.#n=""}close(t){this.#n=t,this.#e.abandon({code:"disconnected",detail:t})}hello(){return this.#e.pause(),this.rooms.hello()}onWelcome(t){this.#s=t.max_publication,this.#e.restart(this.rooms.onWelcome(t))}onFrame(t){this.#e.onFrame(t)||this.rooms.onFrame(t)}};function K(s,t){return Object.assign(new Error(t),{code:s})}var je=1e4,Be=100,X=class{#t;#e;#s=null;#n;#o;#r=!1;#i=0;#a=null;constructor(t,e,n){this.#t=t,this.#o=e,this.#e=n,this.#n=new l(t)}get visibility(){return this.#t.document?.visibilityState==="hidden"?"hidden":"visible"}get started(){return this.#s!==null}start(){this.#s=new AbortController,this.#r=!1;let{window:t,document:e,network:n}=this.#t;this.#c(t,"pagehide",()=>this.#u()),this.#c(t,"pageshow",()=>this.#l()),this.#c(t,"online",()=>this.#e.onOnline()),this.#c(t,"offline",()=>this.#e.onOffline()),this.#a=Ut(n),this.#c(n,"change",()=>this.#d(n)),this.#c(t,"focus",()=>this.#e.onAttention()),this.#c(t,"storage",({key:i})=>this.#e.onStorage(i)),this.#c(e,"visibilitychange",()=>this.#h()),this.#c(e,"freeze",()=>this.#e.onFreeze()),this.#c(e,"resume",()=>this.#r||this.#e.onResume())}stop(){this.#s?.abort(),this.#s=null,this.#n.clear()}#c(t,e,n){t?.addEventListener(e,n,{signal:this.#s?.signal})}#u(){this.#r=!0,this.#n.clear(),this.#e.onPageHide()}#l(){this.#r&&(this.#r=!1,this.#n.set(Be,()=>this.#e.onPageRestore()))}#d(t){let e=Ut(t);e!==null&&e===this.#a?this.#e.onNetworkSpeed():this.#e.onWake(),this.#a=e}#h(){let t=this.visibility;this.#e.onVisibility(t),t==="hidden"?this.#i=this.#o.ms:this.#o.ms-this.#i>=je&&this.#e.onWake(),t==="visible"&&this.#e.onAttention()}};function Ut(s){let{type:t,effectiveType:e}=s??{};return t||e?`${t} ${e}`:null}var J=class{latency=null;pings=0;pongs=0;misses=0;onLatency(t){t===null?this.misses+=1:(this.latency=t,this.pongs+=1)}};var He=5e3,Ge=1e3,qe=3e4,Y=class{#t;#e;#s;#n;#o=0;#r=null;#i=-1/0;#a=0;#c=0;#u=0;attempts=0;constructor(t,e,n){this.#t=t,this.#e=e,this.#s=n,this.#n=new l(t)}get waiting(){return this.#n.pending}get nextAttemptAt(){if(!this.waiting)return null;let{now:t,wall:e}=this.#t;return Math.round(e()+this.#c-t())}get exhausted(){return this.attempts>=this.#e.maxAttempts}onAttempt(){this.cancel(),this.attempts+=1,this.#i=this.#t.now()}onWelcome(){this.attempts=0,this.#r=this.#t.now()}schedule(t,e){this.#l&&(this.#o=this.#a=0),this.#r=null,this.#h(this.#d(t,e)),this.#u=this.#t.now()+(dt(e,()=>0)??0)}advance(){if(!this.waiting)return!1;let t=Math.min(qe,Ge*2**this.#a),e=this.#t.now(),n=Math.max(this.#i+t,this.#u);if(this.#c>e&&this.#c<=n)return!1;this.#a+=1;let i=Math.min(n,this.#c)-e;return i>0?this.#h(i):this.#s(),i>0}cancel(){this.#n.clear()}reset(){this.attempts=0,this.#o=0,this.#a=0,this.waiting&&this.#h(this.#d(1006,null))}get#l(){return this.#r===null?!1:this.#t.now()-this.#r>=He}#d(t,e){let{random:n}=this.#t,i=dt(e,n);if(i!==null&&kt(t)==="soon"&&!ft(t))return i;let o=I(this.#o,this.#e,n);return this.#o+=1,ft(t)?Math.min(i??o,o):Math.max(i??0,o)}#h(t){this.#c=this.#t.now()+t,this.#n.set(t,this.#s)}};function Z(s,t){let e=globalThis,n=Symbol.for(`realtime.${s}`);return e[n]??=t(),e[n]}var $t=12e4,ze=1e3,gt=Z("keys",()=>new WeakMap),Q=class{#t;#e="";#s;#n=null;#o=0;#r;#i=$t;#a=-1/0;constructor(t,e,n={ms:0}){this.#r=n,this.#t=`realtime:${t}${ut()}`,this.#s=e}get current(){return this.#n}set(t,e=$t){this.#i=e,t.session!==this.#n?.session&&(this.#o=0),this.#n=t}clear(){this.#n=null,this.#a=-1/0}resumeRequest(){if(!this.#n)return;this.#o+=1;let{session:t,token:e}=this.#n;return{session:t,token:e,turn:this.#o}}reclaim(){let{ms:t}=this.#r;return!this.#n||t-this.#a<this.#i?!1:(this.#a=t,this.#o+=ze,!0)}load(){try{if(!this.#s)return;this.#c(this.#s);let t=T(this.#s.getItem(this.#e));this.#s.removeItem(this.#e),Ke(t)&&({turn:this.#o=0,...this.#n}=t)}catch{}}save(){try{let t=this.#n&&{...this.#n,turn:this.#o};t&&this.#s?.setItem(this.#e,JSON.stringify(t))}catch{}this.releaseKey()}releaseKey(){this.#s&&gt.get(this.#s)?.delete(this.#e)}#c(t){this.releaseKey();let e=gt.get(t)??new Set;gt.set(t,e);let n=this.#t;for(let i=2;e.has(n);i+=1)n=`${this.#t}#${i}`;e.add(n),this.#e=n}};function Ke(s){let{session:t,token:e,turn:n=0}=Object(s);return Wt(t)&&Wt(e)&&Number.isSafeInteger(n)&&n>=0}function Wt(s){return typeof s=="string"&&s.length>=1&&s.length<=64}var tt=class{#t;#e;#s;#n=0;constructor(t){this.#t=t,this.#e=t.now(),this.#s=t.wall()}get ms(){let[t,e]=[this.#t.now(),this.#t.wall()];return this.#n+=Math.max(0,t-this.#e,e-this.#s),[this.#e,this.#s]=[t,e],this.#n}timestamp(){return{ms:this.ms,wall:this.#s}}toEpochMs({wall:t,ms:e}){let n=Math.round(this.#t.wall()-(this.ms-e));return t-n>2e3?n:t}};var Ve=Object.freeze({disconnected:{connect:"connecting"},connecting:{welcome:"connected",retry:"connecting",fail:"error",end:"disconnected"},connected:{doubt:"unstable",retry:"connecting",fail:"error",end:"disconnected"},unstable:{life:"connected",retry:"connecting",fail:"error",end:"disconnected"},error:{connect:"connecting",end:"disconnected"}});function Ft(s,t){let e=Ve[s][t];if(e===void 0)throw new A(`${t} while ${s}`);return e}var et=class{#t;#e;state="disconnected";reason="";constructor(t){this.#t=t,this.#e=t.timestamp()}get since(){return this.#t.toEpochMs(this.#e)}get isUp(){return this.state==="connected"||this.state==="unstable"}get isIdle(){return this.state==="disconnected"||this.state==="error"}apply(t,e=""){let n=this.state;this.state=Ft(n,t),this.state!==n&&(this.#e=this.#t.timestamp()),this.reason=e}};var Xe=8192,Je=15e3,st=class{#t;#e=null;#s=!1;#n=null;#o;constructor(t,e){this.#t=t,this.#o=e}get current(){return this.#e??void 0}get isMissing(){return this.#t!==void 0&&this.#e===null}fetch(){return this.#n??=this.#r(),this.#n}#r(){let t=new l(this.#o),e=Promise.race([this.#a(),Ye(t)]).finally(()=>t.clear()),n=()=>this.#n===i,i=e.then(o=>(n()&&this.#i(o),o),o=>{throw n()&&(this.#n=null),o});return i}#i(t){this.#e=t,this.#s=!1,this.#n=null}forget(){this.#i(null)}async#a(){let t=this.#t,e=typeof t=="function"?await t():t;if(typeof e!="string"||!/^[ -~]+$/.test(e)||e.length>Xe)throw new TypeError("expected a token of 1 to 8192 ASCII characters");return e}onWelcome(){this.#s=this.#e!==null}refuse(){let t=this.#s;return this.#i(null),t}get isUsed(){return this.#t!==void 0}};function Ye(s){return new Promise((t,e)=>{s.set(Je,()=>e(new TypeError("expected a token in time")))})}var Qe="the page has no token for the login",nt=class{#t;#e;#s=0;constructor(t,e,n){this.#t=new st(t,e),this.#e=n}get auth(){return this.#t.current}attempt(t){this.cancel();let e=!this.#t.isMissing;return e?t():this.#n(t),e}async#n(t){let e=this.#s,n=await this.#t.fetch().catch(()=>null);e===this.#s&&(n===null?this.#e({code:1006,reason:Qe}):t())}cancel(){this.#s+=1}async renew(t){let e=t();if(!this.#t.isUsed)return;let n=await this.#t.fetch().catch(()=>null);n===null||e!==t()||e?.send({type:"auth",auth:n})&&this.#t.onWelcome()}onWelcome(){this.#t.onWelcome()}forget(){this.#t.forget()}onEnd(t){if(this.#t.isUsed){if(t!==4501&&t!==4008){x(t)&&this.forget();return}return this.#t.refuse()?"retry":"stay"}}};var it=class{#t;#e;#s=new v;#n;#o;#r;#i;#a;#c;#u;#l;#d=new J;#h=null;#g="disconnected";#f=!1;#p=new H;#m;#w=null;constructor({url:t,name:e,auth:n,autoReconnect:i,backoff:o,environment:r},a){this.#c=t,this.#u=e,this.#l=a,this.autoReconnect=i;let h=C(r),d=new tt(h);this.#t=h,this.#e=d,this.#a=new et(d),this.#n=new Q(t,h.storage,d);let y={...L,...o};this.#i=new Y(h,y,()=>this.#x());let b={isUp:()=>this.#a.isUp,send:S=>b.isUp()&&this.#h?.send(S)===!0};this.messaging=new V(h,d,b,a),this.#r=new G(t,h,d,()=>this.#b()),this.#m=new nt(n,h,S=>this.#O(S)),this.#o=this.#y()}#y(){return new X(this.#t,this.#e,{onPageHide:()=>this.#U(),onPageRestore:()=>this.#$(),onFreeze:()=>this.#L(w(4006),4006),onResume:()=>this.#f&&this.#b(),onWake:()=>this.#N(),onOnline:()=>this.#P(),onNetworkSpeed:()=>this.#h?.pingQuietly(),onOffline:()=>this.#h?.probe(),onVisibility:t=>this.#D(t),onAttention:()=>this.autoReconnect&&this.#r.onAttention(),onStorage:t=>this.autoReconnect&&this.#r.onStorage(t)})}get state(){return this.#a.state}get connection(){return this.#a.isUp?this.#h:null}connect(){if(!this.#a.isIdle)return this.#C();this.#o.started||(this.#n.load(),this.#o.start()),this.#r.cancel(),this.#b()}disconnect(){this.#o.stop(),this.#r.cancel(),this.#n.clear(),this.#n.releaseKey(),this.#m.forget(),this.#h?.send({type:"bye"}),this.messaging.close("disconnected"),this.#_("",1e3),this.messaging.rooms.pause()}stopWaiting(){this.#i.waiting&&this.#_(this.#a.reason)}reset(){this.#i.reset(),this.#p.lastError=null,this.state==="error"?this.#S("end"):this.state==="connecting"&&this.#T()}stats(){let{session:t=null,since:e=null}=this.#n.current??{};return{state:this.state,stateSince:this.#a.since,reason:this.#a.reason,degraded:this.#h?.degraded??!1,session:t,since:e,user:this.#w,...this.#d,attempts:this.#i.attempts,nextAttemptAt:this.#i.nextAttemptAt,autoReconnect:this.autoReconnect,lastError:this.#p.lastError}}#b(){this.#i.reset(),this.messaging.open(),this.#f=this.#p.isRestarting=!1,this.#a.apply("connect"),this.#x()}#x(){this.#i.onAttempt(),this.#m.attempt(()=>this.#k())||this.#T()}#k(){try{this.#h=this.#M(),this.#T()}catch(t){this.#T(),this.#O(_t(t))}}#M(){let t={hello:()=>this.#A(),onWelcome:e=>this.#E(e),onFrame:(e,n)=>this.#R(e,n),onDoubt:e=>this.#S(e?"doubt":"life"),onLatency:e=>this.#v(e),onNotice:e=>this.#l("notice",{state:e}),onAuthExpiring:()=>this.#m.renew(()=>this.#h),onBytes:e=>this.#l("bytes",{data:e}),onRoomFrame:e=>this.messaging.onFrame(e),onEnd:e=>this.#O(e)};return new B(this.#c,this.#t,t,this.#s)}#A(){let[t,e]=[this.#n.resumeRequest(),this.messaging.hello()],[n,i]=[this.#u,this.#m.auth],{visibility:o}=this.#o;return{type:"hello",protocol:1,client:n,resume:t,rooms:e,visibility:o,auth:i}}#E(t){let{session:e,token:n,resumed:i,user:o,resume_window:r}=t,a=this.#t.wall(),h=i?this.#n.current?.since??a:a;this.#n.set({session:e,token:n,since:h},r),this.#w=o,this.#p.isRestarting=!1;let{attempts:d}=this.#i;this.#i.onWelcome(),this.#r.onWelcome(i),this.#m.onWelcome(),this.#S("welcome"),this.#a.isUp&&this.#l("connection_established",{session:e,user:o,resumed:i,attempts:d}),this.#a.isUp&&this.messaging.onWelcome(t)}#R(t,e){let n=t==="in"&&e.type;n==="ping"&&(this.#d.pings+=1),this.#l("frame",{direction:t,frame:e}),n==="error"&&this.#l("server_error",e)}#v(t){this.#d.onLatency(t),this.#l("latency",{latency:t})}#O(t){let{code:e,reason:n}=t,i=this.#a.isUp;this.#p.record({code:e,reason:n,at:this.#t.wall()}),this.#h=null,this.#I(t);let o=this.state==="connecting";i&&this.#l("connection_lost",{code:e,reason:n,willReconnect:o})}#I({code:t,reason:e,delay:n,permanent:i=!1}){let o=t===4506&&this.autoReconnect&&this.#n.reclaim();if((this.#m.onEnd(t)??(x(t)?"stay":"retry"))==="stay"&&!o)this.#n.clear(),this.messaging.close(e),this.#r.onFinalClose(t),this.#S(Mt(t)?"end":"fail",e);else if(i)this.#S("fail",e);else if(!this.autoReconnect)this.#S("end",e);else if(this.#i.exhausted){let a=this.#p.lastError?.reason??e;this.#S("fail",`gave up after ${this.#i.attempts} attempts: ${a}`)}else this.#i.schedule(t,n),this.#S("retry",this.#p.isRestarting?w(1012):e)}#C(){this.#i.waiting?this.#x():this.#h?.probe()}#N(){this.#i.advance()&&this.#T(),this.#h?.probe()}#P(){if(!this.#h?.isStuck)return this.#N();this.#h.close(),this.#x()}#D(t){this.#h?.send({type:"visibility",state:t}),t==="visible"&&this.#i.advance()&&this.#T()}#U(){this.#n.save(),this.#L("page left")}#$(){this.#a.isIdle&&this.#n.load(),this.#f&&this.#b()}#L(t,e){this.#a.isIdle||(this.#f=!0,this.#_(t,e))}#_(t,e){let n=this.#a.isUp,i={code:e??1005,reason:t,willReconnect:!1};this.#i.cancel(),this.#m.cancel(),this.#h?.close(e),this.#h=null,this.state!=="disconnected"&&this.#S("end",t),n&&this.#l("connection_lost",i)}#S(t,e){this.#a.apply(t,e),this.#T()}#T(){let t=this.#g;this.#g=this.state,this.#l("state",{previous:t,...this.stats()})}};var Bt=EventTarget;var yt="realtime-js/0.1.0",k=class extends Bt{#t;constructor({url:t,auth:e,autoReconnect:n=!0,backoff:i={},environment:o={}}={}){super(),this.url=_(t??N());let r={url:this.url,name:yt,auth:e,autoReconnect:n,backoff:i,environment:o};this.#t=new it(r,(a,h)=>{this.dispatchEvent(new CustomEvent(a,{detail:h}))})}get state(){return this.#t.state}get degraded(){return this.stats().degraded}connect(){this.#t.connect()}disconnect(){this.#t.disconnect()}join(t){this.#t.messaging.rooms.join(t)}leave(t){this.#t.messaging.rooms.leave(t)}send(t,e){return this.#t.messaging.send(t,e)}sendBytes(t){return this.#t.connection?.sendBytes(t)===!0}enableAutoReconnect(){this.#t.autoReconnect=!0}disableAutoReconnect(){this.#t.autoReconnect=!1,this.#t.stopWaiting()}resetReconnectState(){this.#t.reset()}async ping(){let t=this.#t.connection?.measureLatency();if(!t)throw new Error("not connected");return t}stats(){return this.#t.stats()}};var ns=`clients of ${yt.split(".").slice(0,2).join(".")}`;function ot(s){let t=Z(ns,()=>new Map),e=_(s.url??N()),n=t.get(e);if(n)return is(e,s,n.options),n.client;let i=new k(s);return t.set(e,{client:i,options:s}),i.connect(),i}function is(s,t,e){let n={autoReconnect:!0,...e},i=Object.keys(t),o=a=>a!=="url"&&!os(t[a],n[a]),r=i.filter(o);r.length!==0&&console.warn(`realtime: connect(): ignored ${r.join(", ")}: the client for ${s} was made without. Pass options to the first connect(), or use a RealtimeClient of your own.`)}function os(s,t){if(s===void 0||s===t)return!0;if(typeof s=="function")return typeof t=="function";if(typeof s!="object"||typeof t!="object")return!1;let[e,n]=[Object.entries(Object(s)),Object(t)];return e.length===Object.keys(n).length&&e.every(([o,r])=>n[o]===r)}var rt=class{#t;#e;#s;#n="connected";#o=null;#r=0;#i=()=>this.#a();constructor(t,e,n){this.#t=t,this.#e=e,this.#s=n}update(t){if(t===this.#n)return this.stop();t!==this.#o&&(this.#o=t,this.#r=this.#e(),this.#t.add(this.#i))}stop(){this.#o=null,this.#t.delete(this.#i)}#a(){let t=this.#o;t===null||this.#e()-this.#r<1500||(this.stop(),this.#n=t,this.#s(t))}};var Ht=new WeakMap,at=class s{#t;#e=-1/0;#s=new Set;samples=[];constructor(t){this.#t=t,t.addEventListener("latency",({detail:e})=>{this.samples=[...this.samples,e.latency].slice(-40)})}static of(t){let e=Ht.get(t)??new s(t);return Ht.set(t,e),e}add(t){this.#s.add(t)}delete(t){this.#s.delete(t)}isAnnouncer(t){let[e]=this.#s;return e===t}measureLatency(t){this.#t.state!=="connected"||t-this.#e<3e3||(this.#e=t,this.#t.ping().catch(()=>{}))}};function bt(s){let t=cs(s),e=(n,i,o=0)=>new Intl.NumberFormat(t,{style:"unit",unit:i,unitDisplay:"short",maximumFractionDigits:o}).format(n);return{number:n=>new Intl.NumberFormat(t).format(n),latency:n=>e(n,"millisecond",n<9.95?1:0),duration:n=>rs(Math.max(0,n)/1e3,e),moment:(n,i)=>as(n,i,t)}}function rs(s,t){return s<60?t(Math.floor(s),"second"):s<3600?t(Math.floor(s/60),"minute"):s<2*86400?t(Math.floor(s/3600),"hour"):t(Math.floor(s/86400),"day")}function as(s,t,e){let[n,i]=[new Date(s),new Date(t)],r=n.toDateString()===i.toDateString()?void 0:"medium";return new Intl.DateTimeFormat(e,{dateStyle:r,timeStyle:"medium"}).format(n)}function cs(s){try{return Intl.getCanonicalLocales(s)[0]}catch{return}}var Gt={label:"Connection",connected:"connected",connecting:"connecting",unstable:"unstable",error:"error",disconnected:"disconnected",degraded:"but limited",connectedText:"All is well: the server answers.",degradedText:"Connected, but the server cannot reach its data at the moment. It keeps trying; there is nothing to do here.",connectingText:"Connecting to the server.",retryingText:"Connecting to the server, attempt {n}.",waitingText:"No connection. Next attempt in {time}.",restartingText:"The server is restarting.",restartingWaitingText:"The server is restarting. Next attempt in {time}.",unstableText:"The server is silent. Checking whether it still answers.",endedText:"Ended: {error}.",gaveUpText:"Gave up after {n} attempts: {error}.",stayingText:"Reconnect to try again.",logInText:"Log in: this page then reconnects by itself.",logInAndText:"Log in, then reconnect.",switchedOffText:"Automatic reconnecting is off.",disconnectedText:"Not connected. Reconnect at any time.",countdown:"in {time}",details:"Connection details",since:"Since",session:"Session",latency:"Latency",latencyRange:"Latency of the last {n} answered pings: {min} to {max}",pings:"Pings",pongs:"Pongs",misses:"Misses",pingsHint:"Pings from the server, each answered",pongsHint:"Answers of the server to this page's pings",missesHint:"This page's pings without an answer in time",attempts:"Attempts",attemptsNext:"{n}, next in {time}",lastError:"Last error",none:"none",reconnect:"Reconnect now",disconnect:"Disconnect",ping:"Ping",reset:"Reset",resetHint:"Forget attempts, delays and the last error",autoReconnect:"Reconnect automatically",pinged:"Answer after {time}",notPinged:"No answer to the ping",resetDone:"Attempts and last error forgotten",policy:"this page's content security policy does not allow the connection (connect-src)",code1001:"server restarting",code1012:"server restarting",code4001:"server restarting"},hs={label:"\u8FDE\u63A5",connected:"\u5DF2\u8FDE\u63A5",connecting:"\u8FDE\u63A5\u4E2D",unstable:"\u4E0D\u7A33\u5B9A",error:"\u9519\u8BEF",disconnected:"\u5DF2\u65AD\u5F00",degraded:"\uFF08\u529F\u80FD\u53D7\u9650\uFF09",connectedText:"\u4E00\u5207\u6B63\u5E38\uFF1A\u670D\u52A1\u5668\u6709\u54CD\u5E94\u3002",degradedText:"\u8FDE\u63A5\u6B63\u5E38\uFF0C\u4F46\u670D\u52A1\u5668\u6682\u65F6\u65E0\u6CD5\u8BBF\u95EE\u5176\u6570\u636E\u3002\u5B83\u4F1A\u4E0D\u65AD\u91CD\u8BD5\uFF0C\u65E0\u9700\u4EFB\u4F55\u64CD\u4F5C\u3002",connectingText:"\u6B63\u5728\u8FDE\u63A5\u670D\u52A1\u5668\u3002",retryingText:"\u6B63\u5728\u8FDE\u63A5\u670D\u52A1\u5668\uFF0C\u7B2C {n} \u6B21\u5C1D\u8BD5\u3002",waitingText:"\u8FDE\u63A5\u5DF2\u4E2D\u65AD\uFF0C{time}\u540E\u91CD\u8BD5\u3002",restartingText:"\u670D\u52A1\u5668\u6B63\u5728\u91CD\u542F\u3002",restartingWaitingText:"\u670D\u52A1\u5668\u6B63\u5728\u91CD\u542F\uFF0C{time}\u540E\u91CD\u8BD5\u3002",unstableText:"\u670D\u52A1\u5668\u6CA1\u6709\u52A8\u9759\uFF0C\u6B63\u5728\u786E\u8BA4\u5B83\u662F\u5426\u8FD8\u5728\u3002",endedText:"\u8FDE\u63A5\u5DF2\u7ED3\u675F\uFF1A{error}\u3002",gaveUpText:"\u5C1D\u8BD5 {n} \u6B21\u540E\u653E\u5F03\uFF1A{error}\u3002",stayingText:"\u70B9\u51FB\u201C\u7ACB\u5373\u91CD\u8FDE\u201D\u53EF\u518D\u6B21\u5C1D\u8BD5\u3002",logInText:"\u8BF7\u767B\u5F55\uFF0C\u4E4B\u540E\u672C\u9875\u4F1A\u81EA\u52A8\u6062\u590D\u3002",logInAndText:"\u8BF7\u5148\u767B\u5F55\uFF0C\u518D\u91CD\u65B0\u8FDE\u63A5\u3002",switchedOffText:"\u81EA\u52A8\u91CD\u8FDE\u5DF2\u5173\u95ED\u3002",disconnectedText:"\u672A\u8FDE\u63A5\uFF0C\u53EF\u968F\u65F6\u91CD\u65B0\u8FDE\u63A5\u3002",countdown:"{time}\u540E",details:"\u8FDE\u63A5\u8BE6\u60C5",since:"\u5F00\u59CB\u4E8E",session:"\u4F1A\u8BDD",latency:"\u5EF6\u8FDF",latencyRange:"\u6700\u8FD1 {n} \u6B21\u5E94\u7B54\u7684\u5EF6\u8FDF\uFF1A{min} \u81F3 {max}",pings:"Ping",pongs:"Pong",misses:"\u672A\u5E94\u7B54",pingsHint:"\u670D\u52A1\u5668\u53D1\u6765\u7684\u5FC3\u8DF3\uFF0C\u5747\u5DF2\u5E94\u7B54",pongsHint:"\u670D\u52A1\u5668\u5BF9\u672C\u9875 Ping \u7684\u5E94\u7B54",missesHint:"\u672A\u6309\u65F6\u5F97\u5230\u5E94\u7B54\u7684 Ping",attempts:"\u5C1D\u8BD5\u6B21\u6570",attemptsNext:"{n}\uFF0C{time}\u540E\u91CD\u8BD5",lastError:"\u6700\u8FD1\u9519\u8BEF",none:"\u65E0",reconnect:"\u7ACB\u5373\u91CD\u8FDE",disconnect:"\u65AD\u5F00",ping:"Ping",reset:"\u91CD\u7F6E",resetHint:"\u6E05\u9664\u5C1D\u8BD5\u6B21\u6570\u3001\u7B49\u5F85\u65F6\u95F4\u548C\u6700\u8FD1\u9519\u8BEF",autoReconnect:"\u81EA\u52A8\u91CD\u8FDE",pinged:"{time}\u540E\u5F97\u5230\u5E94\u7B54",notPinged:"Ping \u6CA1\u6709\u5F97\u5230\u5E94\u7B54",resetDone:"\u5DF2\u6E05\u9664\u5C1D\u8BD5\u6B21\u6570\u548C\u6700\u8FD1\u9519\u8BEF",policy:"\u672C\u9875\u7684\u5185\u5BB9\u5B89\u5168\u7B56\u7565\uFF08connect-src\uFF09\u4E0D\u5141\u8BB8\u6B64\u8FDE\u63A5",code1000:"\u6B63\u5E38\u5173\u95ED",code1001:"\u670D\u52A1\u5668\u6B63\u5728\u91CD\u542F",code1005:"\u8FDE\u63A5\u5DF2\u5173\u95ED",code1006:"\u8FDE\u63A5\u4E2D\u65AD",code1011:"\u670D\u52A1\u5668\u9519\u8BEF",code1012:"\u670D\u52A1\u5668\u6B63\u5728\u91CD\u542F",code4001:"\u670D\u52A1\u5668\u6B63\u5728\u91CD\u542F",code4002:"\u5FC3\u8DF3\u8D85\u65F6",code4003:"\u63A5\u6536\u8FC7\u6162",code4004:"\u8D85\u51FA\u9891\u7387\u9650\u5236",code4005:"\u672A\u53CA\u65F6\u63E1\u624B",code4006:"\u9875\u9762\u5DF2\u51BB\u7ED3",code4007:"\u9001\u8FBE\u8BA1\u6570\u4E0D\u4E00\u81F4",code4008:"\u51ED\u636E\u5DF2\u66F4\u6539",code4009:"\u8BF7\u7A0D\u540E\u518D\u8BD5",code4500:"\u5DF2\u88AB\u7BA1\u7406\u5458\u65AD\u5F00",code4501:"\u672A\u767B\u5F55",code4502:"\u4E0D\u5141\u8BB8\u4ECE\u672C\u7AD9\u70B9\u8FDE\u63A5",code4503:"\u5DF2\u9000\u51FA\u767B\u5F55",code4504:"\u4F1A\u8BDD\u8FC7\u591A",code4505:"\u534F\u8BAE\u9519\u8BEF",code4506:"\u4F1A\u8BDD\u5DF2\u5728\u522B\u5904\u7EE7\u7EED"},qt=Object.freeze({4001:"server shutting down",4002:"heartbeat timeout",4003:"slow consumer",4004:"rate limit exceeded",4005:"no hello in time",4007:"delivery count does not match",4008:"credentials changed",4009:"try again later",4500:"disconnected by an administrator",4501:"not authenticated",4502:"origin not allowed",4503:"logged out",4504:"too many sessions",4505:"protocol errors",4506:"session continued elsewhere"}),M={en:Gt,zh:hs};function zt(s,t){let e=s.toLowerCase();M[e]={...M[e],...t}}function xt(s){let t=s.toLowerCase().split("-"),e=t.map((n,i)=>t.slice(0,i+1).join("-"));return Object.assign({},Gt,...e.map(n=>ls(M,n)))}function ls(s,t){return Object.hasOwn(s,t)?s[t]:{}}function f(s,t){return s.replace(/\{(\w+)\}/g,(e,n)=>t[n]??e)}function Vt(s,t,e,{placement:n,rightToLeft:i}){let[o,r]=(n??"").split("-"),h=r==="end"!==i?s.right-t.width:s.left,d=s.top-6-t.height,y=s.bottom+6,b=d>=8,S=y+t.height+8<=e.height,be=o==="top"?b||!S:b&&!S;return{left:Kt(h,e.width-t.width),top:Kt(be?d:y,e.height-t.height)}}function Kt(s,t){return Math.max(8,Math.min(s,t-8))}var ct=class{#t;#e=null;constructor(t){this.#t=t,t.button.addEventListener("click",()=>this.isOpen?this.close():this.open())}get isOpen(){return this.#e!==null}open(){this.isOpen||(this.#e=new AbortController,this.#s(!0),this.#o(document,"keydown",t=>this.#n(t)),this.#o(document,"pointerdown",t=>{t.composedPath().includes(this.#t.host)||this.close()}),this.#o(this.#t.host,"focusout",t=>{t.relatedTarget&&this.close()}),this.#o(window,"resize",()=>this.reposition()),this.#o(window,"scroll",()=>this.reposition(),!0))}close(){this.isOpen&&(this.#e?.abort(),this.#e=null,this.#s(!1))}reposition(){let{host:t,button:e,panel:n}=this.#t,i={width:document.documentElement.clientWidth,height:window.innerHeight},{left:o,top:r}=Vt(e.getBoundingClientRect(),n.getBoundingClientRect(),i,{placement:t.getAttribute("placement"),rightToLeft:getComputedStyle(t).direction==="rtl"});n.style.left=`${o}px`,n.style.top=`${r}px`}#s(t){let{button:e,panel:n,onToggle:i}=this.#t;e.setAttribute("aria-expanded",String(t)),n.hidden=!t,t?n.showPopover?.():n.hidePopover?.(),i()}#n(t){if(t.key!=="Escape"||t.defaultPrevented)return;t.preventDefault();let{host:e,button:n}=this.#t;(document.activeElement===document.body||e.shadowRoot?.activeElement)&&n.focus(),this.close()}#o(t,e,n,i=!1){t.addEventListener(e,n,{signal:this.#e?.signal,capture:i})}};var Xt=`
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
  /* An edge in a mix with the text's colour has as much contrast as the text. */
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
`;var us="http://www.w3.org/2000/svg";function Jt(s,t,e){for(let[n,i]of Object.entries(t))s.setAttribute(n,i);s.append(...e)}function c(s,t={},...e){let n=document.createElement(s);return Jt(n,t,e),n}function u(s,t={},...e){let n=document.createElementNS(us,s);return Jt(n,t,e),n}function m(s,t){s.textContent!==t&&(s.textContent=t)}function g(s,t){for(let[e,n]of Object.entries(t))s.getAttribute(e)!==n&&s.setAttribute(e,n)}var Yt=`
.panel {
  position: fixed;
  inset: auto;
  z-index: 1000; /* for browsers without a top layer */
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
`;var ds=`
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
  position: relative; /* contains .unseen, which must not lengthen the page */
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
`,fs=`
@media (forced-colors: active) {
  .root { --line: ButtonBorder; --quiet: CanvasText; --accent: Highlight; --background: Canvas; }
  .root[data-state] { --colour: CanvasText; --sign: Canvas; --limit: CanvasText; }
  .dot { --edge: ButtonText; --colour: ButtonText; --sign: ButtonFace; --limit: ButtonText; }
  .control[aria-disabled="true"] { color: GrayText; }
  .track { forced-color-adjust: none; }
}
`,Zt=ds+Xt+Yt+fs,ht=null;function Qt(s){if(!("replaceSync"in CSSStyleSheet.prototype))return s.append(c("style",{},Zt));ht||(ht=new CSSStyleSheet,ht.replaceSync(Zt)),s.adoptedStyleSheets=[ht]}var te=1e3,St=class{#t;#e;#s=new Set;constructor(t){this.#t=t,this.#e=new l(t)}get running(){return this.#e.pending}add(t){this.#s.add(t),this.running||this.#n()}delete(t){this.#s.delete(t),this.#s.size===0&&this.#e.clear()}#n(){this.#e.set(te-this.#t.wall()%te,()=>this.#o())}#o(){this.#n();for(let t of[...this.#s])t()}},R=new St(C({}));function ee(){return u("svg",{class:"dot",part:"dot",viewBox:"0 0 16 16","aria-hidden":"true"},E("connected",u("circle",{class:"body",cx:"8",cy:"8",r:"6"})),E("degraded",u("circle",{class:"body",cx:"8",cy:"8",r:"4.25"}),u("circle",{class:"limit",cx:"8",cy:"8",r:"7"})),E("connecting",u("circle",{class:"body",cx:"8",cy:"8",r:"3.5"}),u("path",{class:"arc",d:"M8 1.25a6.75 6.75 0 1 1-6.75 6.75"})),E("unstable",u("path",{class:"body",d:"M8 1.75 14.75 14H1.25Z"}),u("path",{class:"sign",d:"M8 6v3.6m0 2.1v.05"})),E("error",u("path",{class:"body",d:"M5.2 1.25h5.6l3.95 3.95v5.6l-3.95 3.95H5.2L1.25 10.8V5.2Z"}),u("path",{class:"sign",d:"m5.5 5.5 5 5m0-5-5 5"})),E("disconnected",u("circle",{class:"ring",cx:"8",cy:"8",r:"5.75"}),u("path",{class:"ring",d:"m4 12 8-8"})))}function E(s,...t){return u("g",{class:`shape ${s}`},...t)}function ne(s,{width:t,height:e}){let n=Math.max(10,...s.filter(r=>r!==null)),i=t/(Math.max(s.length,12)-1),o=t-i*(s.length-1);return s.map((r,a)=>ps(s,a,o+a*i,e,n,r)).join("")}function ps(s,t,e,n,i,o){if(o===null)return"";let r=`${se(e)} ${se(n-o/i*n)}`;return typeof s[t-1]=="number"?`L${r}`:typeof s[t+1]!="number"?`M${r}h0`:`M${r}`}function se(s){return Math.round(s*10)/10}function ie(s){let t=s.filter(e=>e!==null);return t.length===0?null:{count:t.length,fastest:Math.min(...t),slowest:Math.max(...t)}}var oe={width:96,height:20},re=["reconnect","disconnect","ping","reset"],ae=["since","session","latency","attempts","lastError"],ce=["pings","pongs","misses"],lt=class{#t=new Map;#e=new Map;#s=c("span",{class:"unseen"});#n=c("span",{class:"word",part:"word"});#o=c("span",{class:"note",part:"note"});#r=c("span",{class:"countdown",part:"countdown","aria-hidden":"true"});#i=c("p",{class:"text",part:"text"});#a=u("path",{class:"line"});#c;#u=c("span");#l=c("span",{class:"unseen",role:"status"});#d;button;panel;constructor(t,e){let{width:n,height:i}=oe,o=`-2 -2 ${n+4} ${i+4}`;this.#c=u("svg",{class:"sparkline",part:"sparkline",viewBox:o,role:"img"},u("path",{class:"base",d:`M0 ${i}h${n}`}),this.#a),this.button=this.#h(),this.panel=this.#g(e),this.#d=c("span",{class:"root"},this.button,this.panel,this.#l),t.append(this.#d)}translate(t){m(this.#s,`${t.label}: `),g(this.panel,{"aria-label":t.details});for(let[e,{term:n}]of this.#t)m(n,t[e]);for(let e of ce)g(this.#y(e).group,{title:t[`${e}Hint`]});for(let e of re)m(this.#w(e),t[e]);this.#w("reset").title=t.resetHint,m(this.#u,t.autoReconnect)}renderButton(t){g(this.#d,{"data-state":t.displayState}),m(this.#n,t.word),m(this.#o,t.note),m(this.#r,t.countdown)}renderPanel(t,e){m(this.#i,t.text);for(let[n,{value:i}]of this.#t)m(i,String(t[n]));g(this.#a,{d:ne(e,oe)}),g(this.#c,{"aria-label":t.latencyRange}),this.#c.toggleAttribute("hidden",!t.latencyRange);for(let[n,i]of Object.entries(t.enabled)){let o=this.#w(n);g(o,{"aria-disabled":String(!i)})}g(this.#w("autoReconnect"),{"aria-checked":String(t.autoReconnect)})}announce(t){this.#l.textContent=t}#h(){return c("button",{type:"button",class:"button",part:"button","aria-expanded":"false","aria-controls":"panel"},ee(),c("span",{class:"words"},this.#s,this.#n," ",this.#o," ",this.#r))}#g(t){let e=c("dl",{class:"facts",part:"facts"});for(let r of ae.slice(0,3))e.append(this.#f(r,"row"));for(let r of ce)e.append(this.#f(r,"count"));for(let r of ae.slice(3))e.append(this.#f(r,"row"));this.#y("latency").value.after(this.#c);let n=c("div",{class:"controls",part:"controls"});n.append(...re.map(r=>this.#p(r,t)),this.#m(t));let o=c("div",{class:"panel",part:"panel",id:"panel",role:"group"},this.#i,e,n);return o.popover="manual",o.hidden=!0,o}#f(t,e){let[n,i]=[c("dt"),c("span")],o=c("div",{class:`${e} ${t}`},n,c("dd",{},i));return this.#t.set(t,{term:n,value:i,group:o}),o}#p(t,e){let n=c("button",{type:"button",class:"control",part:`control ${t}`});return n.addEventListener("click",()=>{n.getAttribute("aria-disabled")!=="true"&&e(t)}),this.#e.set(t,n),n}#m(t){let e=this.#p("autoReconnect",t);return g(e,{class:"switch",part:"switch",role:"switch"}),e.append(this.#u,c("span",{class:"track",part:"track"})),e}#w(t){return this.#e.get(t)}#y(t){let e=this.#t.get(t);if(!e)throw new Error(t);return e}};var ms=8;function le(s,t,e){let{words:n,formats:i}=e,o=de(s);return{displayState:o,word:n[s.state],note:o==="degraded"?n.degraded:"",countdown:gs(s,e),text:ws(s,e),since:xs(s.stateSince,e),session:s.session?`${s.session.slice(0,ms)}\u2026`:"\u2013",latency:s.latency===null?"\u2013":i.latency(s.latency),latencyRange:Ss(t,e),pings:i.number(s.pings),pongs:i.number(s.pongs),misses:i.number(s.misses),attempts:vs(s,e),lastError:Ts(s,e),enabled:As(s),autoReconnect:s.autoReconnect}}function ue(s,t){return s==="degraded"?`${t.connected} ${t.degraded}`:t[s]}function de({state:s,degraded:t}){return s==="connected"&&t?"degraded":s}function vt({nextAttemptAt:s},{now:t,formats:e}){return s===null?"":e.duration(Math.ceil((s-t)/1e3)*1e3)}function gs(s,t){let e=vt(s,t);return e&&f(t.words.countdown,{time:e})}function ws(s,t){let{words:e}=t;return s.state==="connecting"?ys(s,t):s.state==="error"?`${bs(s,t)} ${he(s,t)}`:s.state!=="disconnected"?e[`${de(s)}Text`]:s.reason?`${f(e.endedText,{error:pe(s,e)})} ${he(s,t)}`.trim():e.disconnectedText}function he(s,{words:t}){let{state:e,autoReconnect:n}=s;return P(fe(s)?.code)?n?t.logInText:t.logInAndText:e==="error"?t.stayingText:n?"":t.switchedOffText}function ys(s,t){let{words:e,formats:n}=t,i=vt(s,t);return s.reason===w(1012)?i?f(e.restartingWaitingText,{time:i}):e.restartingText:i?f(e.waitingText,{time:i}):s.attempts<2?e.connectingText:f(e.retryingText,{n:n.number(s.attempts)})}function bs(s,{words:t,formats:e}){let n=pe(s,t),o=s.reason!==s.lastError?.reason&&!x(s.lastError?.code??0)?t.gaveUpText:t.endedText;return f(o,{error:n,n:e.number(s.attempts)})}function fe({reason:s,lastError:t}){return t&&s.endsWith(t.reason)?t:null}function pe(s,t){let e=fe(s);return e?me(e,t):s.reason}function me({code:s,reason:t},e){return t===D?e.policy:!(s<4e3||t===qt[s]||t===w(s))||t.startsWith(pt)?t:e[`code${s}`]??t}function xs(s,{now:t,formats:e}){return`${e.moment(s,t)} \xB7 ${e.duration(t-s)}`}function Ss(s,{words:t,formats:e}){let n=ie(s);if(!n)return"";let{count:i,fastest:o,slowest:r}=n,[a,h]=[e.latency(o),e.latency(r)];return f(t.latencyRange,{n:e.number(i),min:a,max:h})}function vs(s,t){let{words:e,formats:n}=t;if(s.attempts===0)return e.none;let i=n.number(s.attempts),o=vt(s,t);return o?f(e.attemptsNext,{n:i,time:o}):i}function Ts({lastError:s},{now:t,words:e,formats:n}){return s?`${me(s,e)} (${s.code}), ${n.moment(s.at,t)}`:e.none}function As({state:s,nextAttemptAt:t}){return{reconnect:s==="disconnected"||s==="error"||t!==null,disconnect:s!=="disconnected",ping:s==="connected"||s==="unstable"}}var Es=globalThis.HTMLElement??class{},Tt=new Set,O=class extends Es{static observedAttributes=["url","lang","placement"];#t;#e;#s;#n=xt("");#o=bt("en");#r="";#i=null;#a=null;#c=null;#u=()=>this.#f();constructor(){super();let t=this.attachShadow({mode:"open",delegatesFocus:!0});Qt(t),this.#t=new lt(t,i=>this.#y(i));let{button:e,panel:n}=this.#t;this.#e=new ct({host:this,button:e,panel:n,onToggle:()=>this.#g()}),this.#s=new rt(R,()=>performance.now(),i=>this.#w(ue(i,this.#n)))}static get languages(){return M}static addLanguage(t,e){zt(t,e);for(let n of Tt)n.#p()}get client(){return this.#i}set client(t){this.#a=t,this.isConnected&&this.#d()}get open(){return this.#e.isOpen}set open(t){t?this.#e.open():this.#e.close()}connectedCallback(){Tt.add(this),this.#d()}disconnectedCallback(){Tt.delete(this),this.#e.close(),this.#h()}attributeChangedCallback(t){!this.isConnected||!this.#i||(t==="url"&&this.#d(),t==="lang"&&this.#p(),t==="placement"&&this.open&&this.#e.reposition())}get#l(){return this.#i&&at.of(this.#i)}#d(){this.#h(),this.#i=this.#a??ot(ks(this)),this.#l?.add(this),this.#c=new AbortController;let{signal:t}=this.#c;this.#i.addEventListener("state",()=>this.#f(),{signal:t}),this.#i.addEventListener("notice",()=>this.#f(),{signal:t}),this.#i.addEventListener("latency",()=>this.open&&this.#f(),{signal:t}),this.#f()}#h(){this.#c?.abort(),this.#s.stop(),R.delete(this.#u),this.#l?.delete(this)}#g(){this.#f(),this.dispatchEvent(new Event("toggle"))}#f(){let t=this.#i,e=this.#l;if(!t||!e||!this.isConnected)return;this.#m(),this.open&&!document.hidden&&e.measureLatency(performance.now());let n={now:Date.now(),words:this.#n,formats:this.#o},i=le(t.stats(),e.samples,n);this.#t.renderButton(i),this.open&&(this.#t.renderPanel(i,e.samples),this.#e.reposition()),this.#s.update(i.displayState),this.open||i.countdown?R.add(this.#u):R.delete(this.#u)}#p(){this.#r="",this.#f()}#m(){let t=ge(this);t!==this.#r&&(this.#r=t,this.#n=xt(t),this.#o=bt(t),this.#t.translate(this.#n))}#w(t){this.#l?.isAnnouncer(this)&&this.#t.announce(`${this.#n.label}: ${t}`)}#y(t){let e=this.#i;e&&(t==="reconnect"&&e.connect(),t==="disconnect"&&e.disconnect(),t==="ping"&&this.#b(e),t==="reset"&&this.#x(e),t==="autoReconnect"&&Ms(e),this.#f())}async#b(t){let{pinged:e,notPinged:n}=this.#n,i=await t.ping().then(o=>f(e,{time:this.#o.latency(o)}),()=>n);this.#t.announce(i)}#x(t){t.resetReconnectState(),this.#t.announce(this.#n.resetDone)}};function ks(s){let t=s.getAttribute("url")??void 0;return{...JSON.parse(s.getAttribute("options")??"{}"),url:t}}function Ms(s){s.stats().autoReconnect?s.disableAutoReconnect():s.enableAutoReconnect()}function ge(s){let t=s.closest("[lang]");if(t)return t.getAttribute("lang")||"en";let e=s.getRootNode();return e instanceof ShadowRoot?ge(e.host):"en"}function Vi(s={}){let t=ot(s),{state:e,reason:n}=t.stats();return e==="disconnected"&&n===""&&t.connect(),t}var we=globalThis.customElements,ye=we?.get("realtime-status");ye||we?.define("realtime-status",O);var Yi=ye??O;export{k as RealtimeClient,Yi as RealtimeStatus,Vi as connect};
