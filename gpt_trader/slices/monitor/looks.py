"""The look of a report, and the crosshair that reads its equity out; both are part of the file."""

from __future__ import annotations

STYLE = """
:root{--bg:#fff;--fg:#16202c;--dim:#667588;--line:#e3e8ee;--soft:#f5f7fa;--main:#1f6feb;--base:#9aa7b5;
--up:#11845b;--down:#c93a3a;--main-rgb:31,111,235;--up-rgb:17,132,91;--down-rgb:201,58,58;--price:#3c4b5c}
@media (prefers-color-scheme:dark){:root{--bg:#10151c;--fg:#e4eaf1;--dim:#8d9bab;--line:#27313d;--soft:#18202a;
--main:#58a6ff;--base:#66758a;--up:#3fb984;--down:#f0706a;--main-rgb:88,166,255;--up-rgb:63,185,132;--down-rgb:240,112,106;--price:#b8c5d3}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1080px;margin:0 auto;padding:32px 20px 64px}
h1{font-size:28px;letter-spacing:-.02em;margin:0 0 8px}
h2{font-size:17px;margin:36px 0 10px}
.lead{font-size:17px;margin:0 0 8px}
ul{color:var(--dim);padding-left:20px;margin:8px 0}
.note{color:var(--dim);font-size:13px}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(160px,1fr));gap:12px;margin:24px 0}
.card{background:var(--soft);border:1px solid var(--line);border-radius:10px;padding:12px 14px}
.card{display:flex;flex-direction:column}
.card .label,.card .other{color:var(--dim);font-size:12.5px}
.card b{font-size:22px;font-variant-numeric:tabular-nums;letter-spacing:-.01em}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;color:var(--dim);font-size:13px;margin:0 0 4px}
.legend output{margin-left:auto;font-variant-numeric:tabular-nums}
.key::before{content:"";display:inline-block;width:18px;height:3px;border-radius:2px}
.key::before{vertical-align:middle;margin-right:6px}
.key.main::before{background:var(--main)}.key.base::before{background:var(--base)}
.chart{width:100%;height:auto;display:block;overflow:visible}
.chart path{fill:none;stroke-linejoin:round;vector-effect:non-scaling-stroke}
.chart .main{stroke:var(--main);stroke-width:1.8}.chart .base{stroke:var(--base);stroke-width:1.3}
.chart .price{stroke:var(--price);stroke-width:1.2}
.chart .area{fill:rgba(var(--down-rgb),.22);stroke:var(--down);stroke-width:1}
.chart .fill{fill:rgba(var(--main-rgb),.22);stroke:var(--main);stroke-width:1}
.chart .hue{stroke-width:1.5}
.hue0{--hue:#1f6feb}.hue1{--hue:#d9822b}.hue2{--hue:#11845b}.hue3{--hue:#a05cc4}
.hue4{--hue:#c93a3a}.hue5{--hue:#0f8fa8}.hue6{--hue:#8a6d3b}.hue7{--hue:#7a8797}
.chart .hue{stroke:var(--hue)}.key[class*=hue]::before{background:var(--hue)}
.chart .grid{stroke:var(--line)}.chart text{fill:var(--dim);font-size:12px}
.chart .ylab{text-anchor:end}.chart .xlab{text-anchor:middle}
.chart .entry{fill:var(--up)}.chart .exit{fill:var(--down)}
.chart .cross{stroke:var(--dim);stroke-dasharray:3 3}
.scroll{overflow-x:auto}
.tall{max-height:480px;overflow-y:auto;border:1px solid var(--line);border-radius:10px}
.tall th{position:sticky;top:0;background:var(--soft)}
.marked{outline:2px solid var(--fg);outline-offset:-2px}
.bars i{display:block;height:10px;min-width:1px;border-radius:3px;background:var(--main)}
.bars td:nth-child(2){width:70%;vertical-align:middle}.bars th{border-bottom:1px solid var(--line);color:var(--fg)}
table{border-collapse:collapse;width:100%;font-size:13.5px;font-variant-numeric:tabular-nums}
th{text-align:left;color:var(--dim);font-weight:600;border-bottom:1px solid var(--line)}
th{padding:6px 10px;white-space:nowrap}
td{padding:6px 10px;border-bottom:1px solid var(--line);vertical-align:top}
th.n,td.n{text-align:right;white-space:nowrap}td:first-child{white-space:nowrap}
.months td,.months th{padding:5px 7px;font-size:12.5px}
.dense td,.dense th{padding:4px 3px;font-size:10.5px}
.up{color:var(--up)}.down{color:var(--down)}
code{font:12px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
@media (max-width:640px){main{padding:20px 14px 48px}.chart text{font-size:27px}.chart .odd{display:none}
.chart{margin-bottom:8px}.chart .xlab{transform:translate(0,16px)}
.chart .ylab{text-anchor:start;transform:translate(14px,-7px);paint-order:stroke;stroke:var(--bg);stroke-width:5px}
table{width:max-content;min-width:100%}td{max-width:70vw}}
@media print{.tall{max-height:none;overflow:visible}
main{max-width:none;padding:0}h2{break-after:avoid}.chart,tr{break-inside:avoid}}
"""

SCRIPT = """
(function(){
var box=document.getElementById("equity");if(!box)return;
var svg=box.querySelector("svg"),out=document.getElementById("readout");
var data=JSON.parse(box.querySelector("script").textContent);
var left=64,right=986,line=document.createElementNS("http://www.w3.org/2000/svg","line");
line.setAttribute("class","cross");line.setAttribute("y1","12");line.setAttribute("y2","294");
line.setAttribute("visibility","hidden");
svg.appendChild(line);
var first=data.t[0],last=data.t[data.t.length-1];
var two={minimumFractionDigits:2,maximumFractionDigits:2};
function money(v){return v===null||v===undefined?"":v.toLocaleString("en",two)}
function show(e){
var r=svg.getBoundingClientRect(),x=(e.clientX-r.left)/r.width*1000,i=0,j=data.t.length-1;
var t=first+(x-left)/(right-left)*(last-first);
while(i<j){var m=(i+j)>>1;if(data.t[m]<t)i=m+1;else j=m}
var at=left+(data.t[i]-first)/((last-first)||1)*(right-left);
line.setAttribute("x1",at);line.setAttribute("x2",at);line.setAttribute("visibility","visible");
out.textContent=new Date(data.t[i]).toISOString().slice(0,10)+"   "+money(data.equity[i])+
(data.baseline?"   vs "+money(data.baseline[i]):"")+"   "+(100*data.drawdown[i]).toFixed(1)+"%"}
svg.addEventListener("pointermove",show);
svg.addEventListener("pointerleave",function(){line.setAttribute("visibility","hidden");out.textContent=""});
})();
"""
