# SPDX-License-Identifier: BSD-2-Clause
#
# The FastCGI cache of a WordPress site, configured as its guides say, and purged
# as the plugin nginx-helper does: it unlinks the file whose name it computes,
# empties the folder, or asks for /purge/PATH.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use File::Path qw(remove_tree);
use Weir::FastCGI;
use Weir::Test;

need_module('http_fastcgi');

my $module = '/usr/lib/nginx/modules/ngx_http_cache_purge_module.so';
plan skip_all => 'no ngx_http_cache_purge_module' if is_oracle() && !-f $module;

# The site: a page for each path, and a number for each time that it was made.
my $site = Weir::FastCGI->new(sub {
    my ($request) = @_;
    my %p = %{ $request->{params} };
    my $cookie = $p{REQUEST_URI} =~ /login/ ? "Set-Cookie: wordpress_logged_in=1\r\n" : '';

    return answer("X-Made: $$\r\n${cookie}Content-Type: text/html; charset=UTF-8\r\n"
                  . "Link: <http://localhost/wp-json/>; rel=\"https://api.w.org/\"\r\n\r\n"
                  . "<p>$p{REQUEST_URI}</p>");
});
my $up = $site->port;

my $load = is_oracle() ? "load_module $module;" : '';
my $t = Weir::Test->new;
$t->mkdir('c');
$t->write('params', "fastcgi_param REQUEST_URI \$request_uri;\n"
          . "fastcgi_param REQUEST_METHOD \$request_method;\n");
$t->run(<<"EOC");
$load
%%HTTP%%
    fastcgi_cache_path %%TESTDIR%%/c/wp levels=1:2 keys_zone=WORDPRESS:1m inactive=60m;
    fastcgi_cache_key "\$scheme\$request_method\$host\$request_uri";
    fastcgi_cache_use_stale error timeout invalid_header http_500;
    fastcgi_ignore_headers Cache-Control Expires Set-Cookie;
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name localhost;
        set \$skip_cache 0;
        if (\$request_method = POST) { set \$skip_cache 1; }
        if (\$query_string != "") { set \$skip_cache 1; }
        if (\$request_uri ~* "/wp-admin/|/xmlrpc.php|wp-.*.php|/feed/|sitemap(_index)?.xml") {
            set \$skip_cache 1;
        }
        if (\$http_cookie ~* "comment_author|wordpress_[a-f0-9]+|wp-postpass|wordpress_no_cache|wordpress_logged_in") {
            set \$skip_cache 1;
        }
        location / {
            include params;
            fastcgi_pass 127.0.0.1:$up;
            fastcgi_cache_bypass \$skip_cache;
            fastcgi_no_cache \$skip_cache;
            fastcgi_cache WORDPRESS;
            fastcgi_cache_valid 60m;
            add_header X-Cache \$upstream_cache_status;
        }
        location ~ /purge(/.*) {
            fastcgi_cache_purge WORDPRESS "\$scheme\$request_method\$host\$1";
        }
    }
}
EOC

sub how { return $t->get(@_)->header('X-Cache') // '-' }

sub fill {
    my ($uri) = @_;
    return wait_until(sub { how($uri) eq 'HIT' });
}

# As the plugin computes it.
sub file {
    my ($uri) = @_;
    my $hash = md5_hex("httpGETlocalhost$uri");

    return $t->path('c/wp/' . substr($hash, -1) . '/' . substr($hash, -3, 2) . "/$hash");
}

subtest 'what is cached' => sub {
    is how('/hello/'), 'MISS', 'a page';
    ok fill('/hello/'), 'is stored';
    is how('/hello/?s=x'), 'BYPASS', 'a search';
    is how('/wp-admin/'), 'BYPASS', 'the administration';
    is how('/hello/', headers => [Cookie => 'wordpress_logged_in_x=1']), 'BYPASS', 'who is logged in';
    is $t->post('/hello/', 'x')->header('X-Cache'), undef, 'a form';
    is how('/hello/'), 'HIT', 'others still get it';
};

subtest 'unlinked' => sub {
    ok fill('/a/') && fill('/b/'), 'two pages';
    ok wait_until(sub { -f file('/a/') }), 'a file where the plugin looks for it';
    ok unlink(file('/a/')), 'it unlinks it';
    is how('/a/'), 'MISS', 'so the page is made anew';
    is how('/b/'), 'HIT', 'and not the other one';
    ok fill('/a/'), 'stored again';
};

subtest 'all of it' => sub {
    ok fill('/a/') && fill('/b/'), 'two pages';
    remove_tree($t->path('c/wp'), { keep_root => 1 });
    is how('/a/'), 'MISS', 'the first is made anew';
    is how('/b/'), 'MISS', 'the second, too';
    ok fill('/b/'), 'and stored';
};

subtest 'asked for' => sub {
    ok fill('/a/') && fill('/b/'), 'two pages';
    my $r = $t->get('/purge/a/');
    is $r->status, 200, 'purged';
    like $r->body, qr/Successful purge/, 'as the plugin expects';
    is how('/a/'), 'MISS', 'the page is made anew';
    is how('/b/'), 'HIT', 'not the other one';
    is $t->get('/purge/nothing/')->status, 404, 'what is not there';
};

done_testing;
