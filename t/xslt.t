# SPDX-License-Identifier: BSD-2-Clause
#
# xslt: stylesheets with parameters, the types and charsets of what comes out,
# entities, and what is no XML.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $module = '/usr/lib/nginx/modules/ngx_http_xslt_filter_module.so';
need_module('http_xslt');
if (is_oracle() && !-e $module) {
    plan(skip_all => "no $module");
    exit;
}

my $t = Weir::Test->new;
sub sheet {
    my ($name, $text) = @_;
    return $t->write($name, '<?xml version="1.0"?><xsl:stylesheet version="1.0" '
        . 'xmlns:xsl="http://www.w3.org/1999/XSL/Transform" '
        . 'xmlns:str="http://exslt.org/strings" xmlns:e="http://exslt.org/common" '
        . "extension-element-prefixes=\"str e\">$text</xsl:stylesheet>");
}
my $t_of = '<xsl:value-of select="/a/t"/>';
sheet('html.xsl', '<xsl:output method="html"/><xsl:param name="p"/>'
    . "<xsl:param name=\"q\"/><xsl:template match=\"/\"><b>$t_of|"
    . '<xsl:value-of select="$p"/>|<xsl:value-of select="$q"/></b></xsl:template>');
sheet('text.xsl', '<xsl:output method="text" encoding="iso-8859-1"/>'
    . "<xsl:template match=\"/\">text $t_of</xsl:template>");
sheet('xml.xsl', '<xsl:output method="xml" media-type="application/x-thing" '
    . "encoding=\"utf-8\"/><xsl:template match=\"/\"><a><t>two $t_of</t></a>"
    . '</xsl:template>');
sheet('empty.xsl', '<xsl:template match="/"/>');
sheet('stop.xsl', '<xsl:template match="/"><xsl:message terminate="yes">no'
    . '</xsl:message></xsl:template>');
sheet('exslt.xsl', '<xsl:output method="text"/><xsl:template match="/">'
    . '<xsl:value-of select="str:padding(5, \'-\')"/></xsl:template>');
sheet('around.xsl', '<xsl:output method="text"/><xsl:template match="/">[<xsl:value-of '
    . 'select="document(/a/t)/a"/>]</xsl:template>');
sheet('writes.xsl', '<xsl:output method="text"/><xsl:template match="/">x'
    . '<e:document href="{/a/t}" method="text">no</e:document></xsl:template>');
sheet('deep.xsl', '<xsl:template match="/"><xsl:call-template name="x"/>'
    . '</xsl:template><xsl:template name="x"><y><xsl:call-template name="x"/></y>'
    . '</xsl:template>');
$t->write('ent.dtd', '<!ENTITY hello "from the DTD">');
$t->write('secret', 'secret');
my $secret = 'file://' . $t->path('secret');

my %page = (
    a     => "<a><t>hi \xc3\xa9</t></a>",
    long  => '<a><t>' . ('0123456789' x 20_000) . '</t></a>',
    cut   => '<a><t>hi</t>',
    empty => '',
    blank => ' ',
    text  => 'no XML',
    ent   => '<!DOCTYPE a SYSTEM "x.dtd"><a><t>&hello;</t></a>',
    ext   => "<!DOCTYPE a [<!ENTITY x SYSTEM \"$secret\"><!ENTITY y \"in\">]>"
        . '<a><t>&y;,&x;.</t></a>',
    pe    => "<!DOCTYPE a [<!ENTITY % x SYSTEM \"$secret\"> %x;]><a><t>pe</t></a>",
    laugh => '<!DOCTYPE a [<!ENTITY l0 "ha">'
        . join('', map { my $n = $_ - 1; "<!ENTITY l$_ \"" . "&l$n;" x 10 . '">' } 1 .. 12)
        . ']><a><t>&l12;</t></a>',
    nest  => '<a>' x 100_000,
    utf16 => "\xff\xfe" . join('', map { "$_\0" } split //, '<a><t>wide</t></a>'),
);
$t->write("html/$_.xml", $page{$_}) for keys %page;
$t->write('html/page.html', '<a><t>page</t></a>');
$t->write('html/sorry', 'sorry');

# The backend sends a document byte for byte, or another one wants ours.
my $asked = $t->path('asked');
my $b = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my ($name) = $request->uri =~ m{/(\w+)\.xml};
    my $body = $page{ $name // '' } // '<a><t>net</t></a>';
    my $head = "HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n";

    $t->write('asked', 'yes') if $request->uri =~ /asks/;
    if ($request->uri =~ /bytes/) {
        $c->send($head);
        for my $byte (split //, $body) {
            $c->send($byte);
            select undef, undef, undef, 0.002;
        }
        return;
    }
    if ($request->uri =~ /half/) {
        $c->send($head . substr $body, 0, 8);
        $c->close;
        return;
    }
    return $head . $body;
});
$t->write('html/url.xml', '<a><t>http://127.0.0.1:' . $b->port . '/asks</t></a>');
$t->write('html/net.xml', '<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:'
    . $b->port . '/asks">]><a><t>&x;</t></a>');
$t->write('html/file.xml', '<a><t>' . $t->path('written') . '</t></a>');

my $dir = $t->dir;
my $own = is_oracle() ? '' : 'xml_external_entities on;';
my $globals = is_oracle() ? "load_module $module;\n%%HTTP%%" : '%%HTTP%%';
$t->expect_log(qr{libxml2 error|xmlParseChunk|xslt|No such file|prematurely closed});
$t->run(<<"EOC" =~ s/%%BACKEND%%/'127.0.0.1:' . $b->port/gre);
$globals
    types { text/xml xml; text/html html; }
    xslt_param p "'outer'";
    xslt_string_param q "text";
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        location /html/ { alias $dir/html/; xslt_stylesheet $dir/html.xsl; }
        location /args/ { alias $dir/html/; xslt_param none 1;
            xslt_stylesheet $dir/html.xsl p='\$arg_p':q=7; }
        location /any/ { alias $dir/html/; xslt_string_param none 1;
            xslt_stylesheet $dir/html.xsl \$arg_x q=5; }
        location /text/ { alias $dir/html/; xslt_stylesheet $dir/text.xsl;
            xslt_string_param q "it's \$arg_q"; xslt_last_modified on; }
        location /quote/ { alias $dir/html/; xslt_stylesheet $dir/html.xsl;
            xslt_string_param q "it's \$arg_q"; }
        location /xml/ { alias $dir/html/; xslt_stylesheet $dir/xml.xsl; }
        location /two/ { alias $dir/html/; xslt_stylesheet $dir/xml.xsl;
            xslt_stylesheet $dir/html.xsl; }
        location /empty/ { alias $dir/html/; xslt_stylesheet $dir/empty.xsl;
            error_page 500 = /sorry; }
        location /stop/ { alias $dir/html/; xslt_stylesheet $dir/stop.xsl; }
        location /exslt/ { alias $dir/html/; xslt_stylesheet $dir/exslt.xsl; }
        location /around/ { alias $dir/html/; xslt_stylesheet $dir/around.xsl; }
        location /writes/ { alias $dir/html/; xslt_stylesheet $dir/writes.xsl; }
        location /deep/ { alias $dir/html/; xslt_stylesheet $dir/deep.xsl; }
        location /dtd/ { alias $dir/html/; xslt_stylesheet $dir/html.xsl;
            xml_entities $dir/ent.dtd; }
        location /types/ { alias $dir/html/; xslt_stylesheet $dir/html.xsl;
            xslt_types text/html; }
        location /ext/ { alias $dir/html/; xslt_stylesheet $dir/html.xsl; $own }
        location /up/ { proxy_pass http://%%BACKEND%%; xslt_stylesheet $dir/html.xsl; }
        location /raw/ { proxy_pass http://%%BACKEND%%; proxy_buffering off;
            xslt_stylesheet $dir/html.xsl; }
    }
}
EOC

sub body { return $t->get($_[0])->body }
sub status { return $t->get($_[0])->status }

# ---- what comes out

my $r = $t->get('/html/a.xml');
is $r->body, "<b>hi \xc3\xa9|outer|text</b>\n", 'HTML, with parameters';
is $r->header('Content-Type'), 'text/html', 'its type';
is $r->header('Content-Length'), length $r->body, 'its length';
is $r->header('Last-Modified'), undef, 'no date';
is $r->header('ETag'), undef, 'no ETag';
is $r->header('Accept-Ranges'), undef, 'no ranges';
is $t->head('/html/a.xml')->header('Content-Length'), length $r->body, 'HEAD';
$r = $t->get('/text/a.xml');
is $r->body, "text hi \xe9", 'text';
is $r->header('Content-Type'), 'text/xml; charset=iso-8859-1', '... in its charset';
like $r->header('ETag'), qr/^W\//, 'xslt_last_modified: a weak ETag';
my $date = $r->header('Last-Modified');
ok defined $date, '... and the date';
is $t->get('/text/a.xml', headers => ['If-Modified-Since' => $date])->status, 304,
    '... and 304';
$r = $t->get('/xml/a.xml');
is $r->body, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<a><t>two hi \xc3\xa9</t></a>\n",
    'XML';
is $r->header('Content-Type'), 'application/x-thing; charset=utf-8', '... its media type';
is body('/two/a.xml'), "<b>two hi \xc3\xa9|outer|text</b>\n", 'two stylesheets';
is body('/html/utf16.xml'), "<b>wide|outer|text</b>\n", 'UTF-16';
is length body('/html/long.xml'), 200_000 + length("<b>|outer|text</b>\n"), 'a long text';
is body('/html/page.html'), '<a><t>page</t></a>', 'another type is left alone';
is body('/types/page.html'), "<b>page|outer|text</b>\n", '... but for xslt_types';
is body('/types/a.xml'), "<b>hi \xc3\xa9|outer|text</b>\n", '... which add to text/xml';
is body('/exslt/a.xml'), '-----', 'EXSLT';

# ---- parameters

is body('/args/a.xml?p=abc'), "<b>hi \xc3\xa9|abc|7</b>\n", 'a variable';
is body('/args/a.xml?p=1%2b1'), "<b>hi \xc3\xa9|1+1|7</b>\n", '... with %XX';
is status("/args/a.xml?p='"), 500, 'a broken expression';
is body('/any/a.xml?x=p=1%2b1'), "<b>hi \xc3\xa9|2|5</b>\n", 'an expression';
is body("/any/a.xml?x=p='a%3Ab'"), "<b>hi \xc3\xa9|a:b|5</b>\n", 'a colon';
is status('/any/a.xml?x=p'), 500, 'no value';
is status('/any/a.xml?x=p=3:q=4'), 500, 'twice the same';
is body("/quote/a.xml?q=x'y\"z"), "<b>hi \xc3\xa9||it's x'y\"z</b>\n",
    'both quotes; nothing is inherited';

# ---- what is no XML

is status("/html/$_.xml"), 500, $_ for qw(cut empty blank text nest);
is status('/html/none.xml'), 404, 'no file';
is status('/types/none.xml'), 500, '... whose page is no XML';
is status('/stop/a.xml'), 500, 'terminate';
is body('/empty/a.xml'), 'sorry', 'nothing comes out: error_page';
is status('/html/laugh.xml'), 500, 'a billion laughs';

# ---- upstreams

for my $where (qw(up raw)) {
    is body("/$where/a.xml"), "<b>hi \xc3\xa9|outer|text</b>\n", "$where";
    is body("/$where/bytes/a.xml"), "<b>hi \xc3\xa9|outer|text</b>\n", '... in bytes';
    is body("/$where/bytes/utf16.xml"), "<b>wide|outer|text</b>\n", '... of UTF-16';
    is status("/$where/bytes/text.xml"), 500, '... that are no XML';
}

# ---- other files

is body('/html/ent.xml'), "<b>|outer|text</b>\n", 'no DTD';
is body('/dtd/ent.xml'), "<b>from the DTD|outer|text</b>\n", 'xml_entities';
is body('/dtd/a.xml'), "<b>hi \xc3\xa9|outer|text</b>\n", '... without DOCTYPE';
is body('/ext/ext.xml'), "<b>in,secret.|outer|text</b>\n", 'an external entity';
is status('/html/net.xml') . (-e $asked ? ' asked' : ''), '200', '... not over the network'
    if !is_oracle();

SKIP: {
    skip 'in nginx since 1.31.3, or not at all', 8 if is_oracle();
    is status('/deep/a.xml'), 500, 'a template without end';
    is body('/html/ext.xml'), "<b>in,.|outer|text</b>\n", 'no external entity';
    ok scalar(grep { /\[warn\].*xslt filter external entity ignored: "\Q$secret\E"/ }
        $t->log), '... which is told';
    is body('/html/pe.xml'), "<b>pe|outer|text</b>\n", 'none in a DTD';
    $t->get('/ext/net.xml');
    $t->get('/around/url.xml');
    ok !-e $asked, 'nobody was asked over the network';
    $t->get('/writes/file.xml');
    ok !-e $t->path('written'), 'no file was written';
    is status('/up/half/a.xml'), 502, 'half of a document';
    is body('/around/a.xml'), '[]', 'document() of no file';
}

# ---- configuration

$t->write('bad.xsl', '<a');
for ([ 'xslt_stylesheet;', qr/invalid number of arguments in "xslt_stylesheet" directive/ ],
     [ "xslt_stylesheet $dir/bad.xsl;", qr/xsltParseStylesheetFile\("\Q$dir\E\/bad.xsl"\) failed/ ],
     [ "xslt_stylesheet $dir/none.xsl;", qr/xsltParseStylesheetFile\("\Q$dir\E\/none.xsl"\) failed/ ],
     [ "xml_entities $dir/none.dtd;", qr/xmlParseDTD\(.*\) failed/ ],
     [ 'xslt_param a;', qr/invalid number of arguments in "xslt_param" directive/ ])
{
    my $load = is_oracle() ? "load_module $module; " : '';
    my $got = conf_test("${load}events { }\nhttp { server { listen 127.0.0.1:1;\n"
                        . "location / { $_->[0] } } }\n");
    like join("\n", @{ $got->{lines} }), $_->[1], $_->[0] =~ s/\Q$dir\E//r;
}

done_testing;
