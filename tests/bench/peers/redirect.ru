# SPDX-License-Identifier: MIT
# What PXESrv's predecessor did: the once link is read, deleted, then served.
require "sinatra/base"

class Redirect < Sinatra::Base
  set :environment, :production
  root = ENV.fetch("PXESRV_ROOT")

  get "/redirect" do
    client = request.env.fetch("HTTP_X_REAL_IP")
    once = "#{root}/once/#{client}"
    static = "#{root}/static/#{client}"
    if File.symlink?(once)
      file = File.expand_path(File.readlink(once), "#{root}/once")
      File.delete(once)
    elsif File.file?(static)
      file = static
    else
      file = "#{root}/default"
    end
    send_file file, type: "text/plain"
  end
end

run Redirect
